import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { percentile } from '../cli/simulate/timing.ts';
import { bundle, bundleSource } from '../stacks/build/bundle.ts';

export interface ColdStart {
  readonly module: string;
  readonly kilobytes: number;
  /** Median over fresh processes, in ms. */
  readonly importMs: number;
  /** Import time beside that of one bare SDK client in the same run. */
  readonly ratio: number;
}

const bareClient = `
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
export const client = new EventBridgeClient({});
export const command = PutEventsCommand;
`;

/** Bundle size and import time of the webhook beside an empty module and one bare SDK client, taken in turns. */
export async function coldStart(rounds: number): Promise<ColdStart[]> {
  const folder = await mkdtemp(join(tmpdir(), 'livechat-bench-'));
  try {
    const modules = [
      { module: 'empty module', ...(await bundleSource('export const nothing = 0;', 'empty', join(folder, 'empty'))) },
      { module: 'one bare SDK client', ...(await bundleSource(bareClient, 'client', join(folder, 'client'))) },
      { module: 'functions/webhook', ...(await bundle('functions/webhook.ts', join(folder, 'webhook'))) },
    ];
    const times = new Map<string, number[]>(modules.map(({ module }) => [module, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const { module, file } of modules) times.get(module)?.push(await importTime(file));
    }
    const medianOf = (module: string) => percentile(times.get(module) ?? [], 50);
    return modules.map(({ module, bytes }) => ({
      module,
      kilobytes: Math.round(bytes / 1024),
      importMs: round1(medianOf(module)),
      ratio: round2(medianOf(module) / medianOf('one bare SDK client')),
    }));
  } finally {
    await rm(folder, { recursive: true });
  }
}

const measure = `
const start = process.hrtime.bigint();
await import(process.argv[1]);
console.log(Number(process.hrtime.bigint() - start) / 1e6);
`;

async function importTime(file: string): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', measure, file], {
    env: { AWS_REGION: 'us-east-1', BUS_NAME: 'bench', SECRET_PREFIX: 'livechat' },
  });
  return Number(stdout);
}

export const round1 = (value: number) => Math.round(value * 10) / 10;
export const round2 = (value: number) => Math.round(value * 100) / 100;
