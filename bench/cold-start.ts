import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import * as z from 'zod/mini';
import { percentile, round1 } from '../cli/simulate/timing.ts';
import { bundle, bundleOptions } from '../stacks/build/bundle.ts';
import { functions } from '../stacks/topology.ts';
import { credentials } from '../test/configuration-api.ts';
import type { Local } from '../test/local.ts';
import { reportProgress, round2, withLocal } from './engine.ts';
import { type CreateEvent, invocationEvents } from './invocation-events.ts';

/** The reference: one client and one call, bundled with esbuild alone. */
const sdkClient = `
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
const client = new EventBridgeClient({});
export const handler = (Entries) => client.send(new PutEventsCommand({ Entries }));
`;
const reference = 'one SDK client';
const empty = 'empty module';

export interface Module {
  readonly file: string;
  readonly bytes: number;
  /** A new event for each invocation: a duplicate would do less. */
  readonly event: () => Promise<unknown>;
}

/**
 * Measures the bundle of every function in new processes, in alternation: its import, and the first invocation against the
 * local engine. The medians are compared with those of one SDK client in the same run. CPU time depends least on other load.
 */
export function coldStart(rounds: number) {
  return withModules({}, rounds, async (modules, local) => {
    const measured = new Map<string, Measurement[]>([...modules.keys()].map((name) => [name, []]));
    for (let round = 1; round <= rounds; round += 1) {
      for (const [name, module] of modules) measured.get(name)?.push(await measureOnce(name, module, local));
      reportProgress(`cold start: round ${round} of ${rounds}`);
    }
    return [...modules].map(([name, { bytes }]) => row(name, bytes, measured));
  });
}

/** Bundles every function into a temporary folder, beside a local engine with `chats` chats. */
export function withModules<T>(
  environment: Readonly<Record<string, string>>,
  chats: number,
  measure: (modules: ReadonlyMap<string, Module>, local: Local) => Promise<T>,
): Promise<T> {
  return withLocal({ ...credentials, ...environment }, async (local) => {
    const folder = await mkdtemp(join(tmpdir(), 'livechat-bench-'));
    try {
      return await measure(await buildModules(local, folder, await invocationEvents(local, chats)), local);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

/** The bundle of every function, and the two references. */
async function buildModules(
  local: Local,
  folder: string,
  createEvent: CreateEvent,
): Promise<ReadonlyMap<string, Module>> {
  const modules = new Map<string, Module>();
  const entry = { Source: 'bench', DetailType: 'bench', Detail: '{}', EventBusName: local.bus };
  modules.set(empty, {
    ...(await bundleSource(empty, 'export const handler = () => {};', folder)),
    event: async () => [],
  });
  modules.set(reference, { ...(await bundleSource(reference, sdkClient, folder)), event: async () => [entry] });
  for (const [name, { handler }] of Object.entries(functions)) {
    const built = await bundle(handler.replace(/\.handler$/, '.ts'), join(folder, name));
    modules.set(name, { ...built, event: () => createEvent(name) });
  }
  return modules;
}

/** Bundles the source text of a module with esbuild alone. With `splitting`, a cold start does not load dynamic imports. */
async function bundleSource(name: string, contents: string, folder: string) {
  const { metafile } = await build({
    ...bundleOptions,
    plugins: [],
    splitting: true,
    // Inside the project, so that its packages resolve.
    stdin: { contents, resolveDir: import.meta.dirname },
    outdir: join(folder, name),
    outExtension: { '.js': '.mjs' },
    metafile: true,
  });
  const entry = Object.keys(metafile.outputs).filter((output) => output.endsWith('/stdin.mjs'));
  const loaded = new Set(entry);
  for (const output of loaded) {
    const imports = metafile.outputs[output]?.imports ?? [];
    for (const { path, kind, external } of imports) if (kind === 'import-statement' && !external) loaded.add(path);
  }
  const bytes = [...loaded].reduce((sum, output) => sum + (metafile.outputs[output]?.bytes ?? 0), 0);
  return { file: join(folder, name, 'stdin.mjs'), bytes };
}

const measured = z.object({
  importMs: z.number(),
  importCpuMs: z.number(),
  firstMs: z.number(),
  firstCpuMs: z.number(),
  /** Further invocations: wall-clock time, CPU time, and requests to AWS. */
  warm: z.array(z.tuple([z.number(), z.number(), z.number()])),
  outcome: z.string(),
});
export type Measurement = z.infer<typeof measured>;
type TimeField = Exclude<keyof Measurement, 'warm' | 'outcome'>;

const measure = `
import { subscribe } from 'node:diagnostics_channel';
const [file, ...events] = process.argv.slice(1);
const context = { getRemainingTimeInMillis: () => 60_000 };
let requests = 0;
const aws = new URL(process.env.AWS_ENDPOINT_URL).host;
subscribe('http.client.request.start', ({ request }) => (requests += request.getHeader('host') === aws ? 1 : 0));
const timer = () => {
  const start = process.hrtime.bigint();
  const used = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(used);
    return [Number(process.hrtime.bigint() - start) / 1e6, (user + system) / 1e3];
  };
};
const imported = timer();
const { handler } = await import(file);
const [importMs, importCpuMs] = imported();
const outcomes = new Set();
const times = [];
for (const event of events) {
  const input = JSON.parse(event);
  requests = 0;
  const invoked = timer();
  outcomes.add(await Promise.resolve(handler(input, context)).then(() => 'done', ({ name }) => name));
  times.push([...invoked(), requests]);
}
const [[firstMs, firstCpuMs], ...warm] = times;
const outcome = [...outcomes].join(', ');
process.stdout.write('\\n' + JSON.stringify({ importMs, importCpuMs, firstMs, firstCpuMs, warm, outcome }));
process.exit(0);
`;

/** Imports a function and invokes it in a new process, which has a share of one CPU. */
export async function measureOnce(
  name: string,
  { file, event }: Module,
  local: Local,
  { invocations = 1, cpuShare = 1 } = {},
): Promise<Measurement> {
  const env = { ...local.environment, AWS_LAMBDA_FUNCTION_NAME: name };
  const events: string[] = [];
  while (events.length < invocations) events.push(JSON.stringify(await event()));
  const limit = cpuShare < 1 ? [join(import.meta.dirname, 'cpu-share.ts'), String(cpuShare), process.execPath] : [];
  const args = [...limit, '--input-type=module', '-e', measure, file, ...events];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, maxBuffer: 64 * 2 ** 20 });
  // The lines before are logs.
  return measured.parse(JSON.parse(stdout.split('\n').at(-1) ?? ''));
}

function row(name: string, bytes: number, all: ReadonlyMap<string, readonly Measurement[]>) {
  const median = (of: string, field: TimeField) =>
    percentile(
      (all.get(of) ?? []).map((one) => one[field]),
      50,
    );
  const ratio = (field: TimeField) => round2(median(name, field) / median(reference, field));
  return {
    module: name,
    kilobytes: Math.round(bytes / 1024),
    importMs: round1(median(name, 'importMs')),
    importCpuMs: round1(median(name, 'importCpuMs')),
    // Divided by those of one SDK client.
    ratio: ratio('importMs'),
    cpuRatio: ratio('importCpuMs'),
    firstMs: round1(median(name, 'firstMs')),
    firstCpuMs: round1(median(name, 'firstCpuMs')),
    outcome: [...new Set((all.get(name) ?? []).map(({ outcome }) => outcome))].join(', '),
  };
}
