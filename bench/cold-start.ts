import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { percentile, round1 } from '../cli/simulate/timing.ts';
import { bundle } from '../stacks/build/bundle.ts';
import { round2 } from './engine.ts';

const sdkClient = `
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
export const client = new EventBridgeClient({});
export const command = PutEventsCommand;
`;

/** Measures bundle size and import time of the webhook, an empty module and one SDK client, in alternation. */
export async function coldStart(rounds: number) {
  const folder = await mkdtemp(join(tmpdir(), 'livechat-bench-'));
  try {
    const modules = [
      { module: 'empty module', ...(await bundleSource('empty', 'export const nothing = 0;', folder)) },
      { module: 'one SDK client', ...(await bundleSource('client', sdkClient, folder)) },
      { module: 'functions/webhook', ...(await bundle('functions/webhook.ts', join(folder, 'webhook'))) },
    ];
    const times = new Map<string, number[]>(modules.map(({ module }) => [module, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const { module, file } of modules) times.get(module)?.push(await importTime(file));
    }
    const median = (module: string) => percentile(times.get(module) ?? [], 50);
    return modules.map(({ module, bytes }) => ({
      module,
      kilobytes: Math.round(bytes / 1024),
      // The median of new processes.
      importMs: round1(median(module)),
      // Divided by that of one SDK client.
      ratio: round2(median(module) / median('one SDK client')),
    }));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Bundles the source text of a module. */
async function bundleSource(name: string, source: string, folder: string) {
  // Inside the project, so that its packages resolve.
  const entry = join('dist', `bench-${name}.ts`);
  await mkdir('dist', { recursive: true });
  await writeFile(entry, source);
  return bundle(entry, join(folder, name));
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
