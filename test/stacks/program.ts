import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { build } from 'esbuild';
import { createState, type MockedResource, region, respondToCall } from './mocks.ts';

/**
 * Runs the sst.config.ts of a project for one stage like SST, with SST's components under Pulumi's mocks: it calls no service, and writes every
 * resource with its inputs to a file. It is a process of its own, because Pulumi's runtime is a singleton.
 */

const [stage = '', mode = '', outfile = '', project = '.'] = process.argv.slice(2);
const dev = mode === 'dev';
const root = join(import.meta.dirname, '..', '..');
const config = join(root, project, 'sst.config.ts');
const platform = join(root, '.sst', 'platform');
const builds: unknown[] = [];

/** The part of SST's server that components call. */
const server = createServer(async (request, response) => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { method, params } = JSON.parse(Buffer.concat(chunks).toString());
  response.setHeader('connection', 'close');
  response.end(JSON.stringify({ result: respond(method, params[0]) }));
});

function respond(method: string, input: { bundle?: string; handler: string }): unknown {
  switch (method) {
    case 'Provider.Aws.Bootstrap':
      return { asset: 'sst-asset', assetEcrRegistryId: '1', assetEcrUrl: 'ecr', state: 'sst-state' };
    case 'Provider.Aws.Appsync':
      return { http: 'appsync.example', realtime: 'realtime.example' };
    case 'Runtime.Build':
      builds.push(input);
      return { handler: input.handler, out: input.bundle ?? join(root, project), errors: [], sourcemaps: [] };
    default:
      return {};
  }
}

/** A resource registration with its options. */
interface Registration {
  readonly type: string;
  readonly name: string;
  readonly opts: { readonly parent?: { readonly __name?: string }; readonly retainOnDelete?: boolean };
}

interface Pulumi {
  readonly runtime: {
    setMocks(mocks: object, project: string, stack: string, preview: boolean): Promise<void>;
    runInPulumiStack(program: () => unknown): Promise<unknown>;
    registerStackTransformation(transformation: (args: Registration) => undefined): void;
  };
}

interface Config {
  app(input: { stage: string }): { readonly name: string };
  run(): Promise<Record<string, unknown>>;
}

interface Program {
  readonly default: Config;
  readonly pulumi: Pulumi;
  /** SST's entry point. */
  run(program: Config['run']): Promise<unknown>;
}

/** The settings of the app for the stage. SST too reads them before it bundles anything. */
async function loadSettings(): Promise<ReturnType<Config['app']>> {
  Object.assign(globalThis, { $config: (config: Config) => config });
  const { default: loaded }: { default: Config } = await import(config);
  return { ...loaded.app({ stage }), ...{ stage } };
}

async function bundle(app: object): Promise<Program> {
  const file = join(platform, `stacks.${stage}.${mode}.mjs`);
  const contents = [
    'import * as aws from "@pulumi/aws";',
    'import * as random from "@pulumi/random";',
    `import * as sst from "${platform}/src/components/index.ts";`,
    'Object.assign(globalThis, { aws, random, sst });',
    `export { run } from "${platform}/src/auto/run.ts";`,
    'export * as pulumi from "@pulumi/pulumi";',
    `export { default } from "${config}";`,
  ].join('\n');
  await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: file,
    packages: 'external',
    inject: [join(platform, 'src', 'shim', 'run.js')],
    define: {
      $app: JSON.stringify(app),
      $dev: String(dev),
      $cli: JSON.stringify({
        command: dev ? 'dev' : 'deploy',
        paths: { home: root, root, work: join(root, '.sst', `test-${stage}-${mode}`), platform },
        state: { version: {} },
      }),
    },
    logLevel: 'error',
  });
  try {
    return await import(file);
  } finally {
    await rm(file);
  }
}

await new Promise<void>((listening) => server.listen(0, listening));
server.unref();
const address = server.address();
process.env.SST_SERVER = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
process.env.SST_AWS_REGION = region;
const failures: string[] = [];
process.on('unhandledRejection', (error) =>
  failures.push(error instanceof Error ? (error.stack ?? '') : String(error)),
);

const app = await loadSettings();
const { pulumi, run, default: program } = await bundle(app);
const resources: MockedResource[] = [];
const registered = new Map<string, Registration>();
const mocks = {
  newResource({ type, name, inputs, id }: MockedResource) {
    if (!id) resources.push({ type, name, inputs });
    return createState({ type, name, inputs, id });
  },
  call: ({ token, inputs }: { token: string; inputs: object }) => respondToCall(token, inputs),
};
await pulumi.runtime.setMocks(mocks, app.name, stage, false);
await pulumi.runtime
  .runInPulumiStack(() => {
    pulumi.runtime.registerStackTransformation((one) => void registered.set(`${one.type} ${one.name}`, one));
    return run(program.run);
  })
  .catch((error: unknown) => failures.push(error instanceof Error ? (error.stack ?? '') : String(error)));
// Resources created inside an `apply` are registered after the program has returned.
process.once('beforeExit', () => {
  const whole = resources.map((resource) => {
    const { opts } = registered.get(`${resource.type} ${resource.name}`) ?? {};
    return { ...resource, parent: opts?.parent?.__name, retained: opts?.retainOnDelete ?? false };
  });
  writeFileSync(outfile, JSON.stringify({ app, resources: whole, builds, failures }));
});
