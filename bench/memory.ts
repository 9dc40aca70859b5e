import { writeFileSync } from 'node:fs';
import { percentile, round1 } from '../cli/simulate/timing.ts';
import { type FunctionName, functions } from '../stacks/topology.ts';
import { isFunction } from '../test/bus-events.ts';
import { type Measurement, measureOnce, withModules } from './cold-start.ts';
import { reportProgress, round2 } from './engine.ts';
import { billedMs, comparedMb, durationsFile, invocationDollars, oneCpuMb } from './prices.ts';

const callsPerSecond = 200;
/** The first invocations are a warm-up: before V8 optimizes a function, it uses up to twice the CPU time. */
const invocations = 60;
const measuredInvocations = 30;

/**
 * Runs every function in its own process, at the CPU shares of several memory sizes. The local engine has no CPU limit.
 * `coldMs` is the import and the first invocation; Lambda gives the import more CPU than this. `billedMs` is the duration on
 * Lambda, including the latency of AWS. The prices are per million such invocations on arm64.
 */
export function measureMemory(rounds: number) {
  const environment = { LIVECHAT_CALLS_PER_SECOND: String(callsPerSecond) };
  return withModules(environment, invocations, async (modules, local) => {
    const rows: ReturnType<typeof toRow>[] = [];
    for (const [name, module] of modules) {
      if (!isFunction(name)) continue;
      for (const memoryMb of comparedMb) {
        const options = { invocations, cpuShare: memoryMb / oneCpuMb };
        const runs: Measurement[] = [];
        while (runs.length < rounds) runs.push(await measureOnce(name, module, local, options));
        rows.push(toRow(name, memoryMb, runs));
      }
      reportProgress(`memory: ${name}`);
    }
    return rows;
  });
}

function toRow(name: FunctionName, memoryMb: number, runs: readonly Measurement[]) {
  const warm = runs.flatMap((run) => run.warm.slice(-measuredInvocations));
  const median = (values: readonly number[]) => percentile(values, 50);
  const duration = {
    cpuMs: round1(median(warm.map(([, ms]) => ms))),
    awsCalls: median(warm.map(([, , calls]) => calls)),
  };
  const ms = billedMs(duration, memoryMb);
  return {
    function: name,
    memoryMb,
    deployed: functions[name].memoryMb === memoryMb ? 'yes' : '',
    coldMs: round1(median(runs.map(({ importMs, firstMs }) => importMs + firstMs))),
    warmMs: round1(median(warm.map(([wallMs]) => wallMs))),
    ...duration,
    billedMs: ms,
    dollarsPerMillion: round2(invocationDollars(ms, memoryMb) * 1e6),
    outcome: [...new Set(runs.map(({ outcome }) => outcome))].join(', '),
  };
}

/** Writes the durations of the ledger: those at the deployed memory sizes. */
export function writeDurations(rows: readonly ReturnType<typeof toRow>[]): void {
  const deployed = rows.filter((row) => row.deployed === 'yes');
  const durations = Object.fromEntries(
    deployed.map(({ function: name, cpuMs, awsCalls }) => [name, { cpuMs, awsCalls }]),
  );
  writeFileSync(durationsFile, `${JSON.stringify(durations, undefined, 2)}\n`);
}
