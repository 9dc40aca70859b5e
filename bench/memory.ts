import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { percentile, round1 } from '../cli/simulate/timing.ts';
import { functions } from '../stacks/topology.ts';
import { isFunction } from '../test/bus-events.ts';
import { buildModules, type Measured, measureOnce } from './cold-start.ts';
import { reportProgress, round2, withLocal } from './engine.ts';
import { inputs, prices } from './prices.ts';

/** Lambda allocates one vCPU at this memory size, and less in proportion. */
const oneCpuMb = 1769;
const sizesMb = [256, 512, 1024, oneCpuMb];
/** The first are left out: a function that V8 has not optimized yet uses up to twice the CPU time. */
const invocations = 60;
const measuredInvocations = 30;

/**
 * Runs every function at the CPU shares of several memory sizes, in processes of its own, against the local engine, which is
 * not limited. `coldMs` is the import and the first invocation; Lambda gives more CPU to the import than this. `awsMs` is the
 * duration that Lambda bills with the latency of AWS: CPU time at that share, and one AWS call after the other. The prices are
 * of a million such invocations on arm64.
 */
export function memory(rounds: number) {
  return withLocal({}, async (local) => {
    const folder = await mkdtemp(join(tmpdir(), 'livechat-bench-'));
    try {
      const rows: ReturnType<typeof toRow>[] = [];
      for (const [name, module] of await buildModules(local, folder)) {
        if (!isFunction(name)) continue;
        for (const memoryMb of sizesMb) {
          const options = { invocations, cpuShare: memoryMb / oneCpuMb };
          const runs: Measured[] = [];
          for (let round = 0; round < rounds; round += 1) {
            runs.push(await measureOnce(name, module, local, options));
          }
          rows.push(toRow(name, memoryMb, runs));
        }
        reportProgress(`memory: ${name}`);
      }
      return rows;
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

function toRow(name: keyof typeof functions, memoryMb: number, runs: readonly Measured[]) {
  const warm = runs.flatMap((run) => run.warm.slice(-measuredInvocations));
  const median = (values: readonly number[]) => percentile(values, 50);
  const cpuMs = median(warm.map(([, ms]) => ms));
  const awsCalls = median(warm.map(([, , calls]) => calls));
  const awsMs = cpuMs / Math.min(1, memoryMb / oneCpuMb) + awsCalls * inputs.awsCallMs;
  const price = prices.invocation + (memoryMb / 1024) * (Math.ceil(awsMs) / 1000) * prices.gbSecond;
  return {
    function: name,
    memoryMb,
    deployed: functions[name].memoryMb === memoryMb ? 'yes' : '',
    coldMs: round1(median(runs.map(({ importMs, firstMs }) => importMs + firstMs))),
    warmMs: round1(median(warm.map(([ms]) => ms))),
    cpuMs: round1(cpuMs),
    awsCalls,
    awsMs: Math.round(awsMs),
    dollarsPerMillion: round2(price * 1e6),
    outcome: [...new Set(runs.map(({ outcome }) => outcome))].join(', '),
  };
}
