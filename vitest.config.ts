import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/**
 * `npm test` runs the projects `fast` and `timed`. `npm run test:all` is `npm test` with the other two, in the mode `all`,
 * which also raises the number of property runs and of model worlds (see test/depth.ts).
 */

/** The send path and reconciliation in depth, and what waits for real timeouts, floods an engine or builds bundles. */
const thorough = [
  'core/outbound/**/*.test.ts',
  'core/platform/time-outs.test.ts',
  'cli/{console,examples}.test.ts',
  'cli/webhooks.rotation.test.ts',
  'test/reconciliation/{schedule,survival}.test.ts',
  'kit/package.test.ts',
  'test/openapi/openapi.test.ts',
  'test/{bundles,automatic-redrive,ledger,readme,reconciliation-cost,restart,second-channel,send-faults,timeline,unknown-outcome}.test.ts',
];
const browser = ['test/browser/**/*.test.ts'];
/** Needs Python, and installs packages: `npm run test:python`. */
const python = ['test/python/**/*.test.ts'];
/** Measures seconds, so nothing else runs beside it, and without the compile cache. */
const timed = ['local/start.test.ts'];
/** On a machine with other load, what a test polls for can take much longer than vitest's default of 1 s. */
const limits = { testTimeout: 30_000, hookTimeout: 30_000, expect: { poll: { timeout: 15_000 } } };

export default defineConfig(({ mode }) => {
  const env = {
    TEST_DEPTH: mode === 'all' ? 'all' : 'fast',
    // Entities read the names of their tables when they are loaded. Tests with an engine set its own.
    CONTROL_TABLE: 'control',
    CONVERSATIONS_TABLE: 'conversations',
    MESSAGES_TABLE: 'messages',
    // The tests start the command line and the engine about 300 times. Node caches the compiled code of these processes.
    NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules', '.cache', 'compile'),
  };
  const project = { ...limits, env, globalSetup: ['test/shared-engine.ts', 'test/build-kit.ts'] };
  return {
    test: {
      // The engine and the command line are processes of their own, but their tests mostly wait for them.
      maxWorkers: '100%',
      // What the tests cover in their own process; handlers that the engine runs in its processes are not counted.
      coverage: {
        provider: 'v8',
        include: ['core/**', 'functions/**', 'kit/*.ts'],
        reporter: ['text-summary', 'html'],
        thresholds: { statements: 86, branches: 83, functions: 85, lines: 87 },
      },
      projects: [
        {
          test: {
            ...project,
            name: 'fast',
            include: ['{core,functions,stacks,local,console,cli,bench,examples,kit,test}/**/*.test.ts'],
            // The tests of stacks need SST's platform: `npm run test:stacks`.
            exclude: ['test/stacks/**', ...thorough, ...browser, ...timed, ...python],
            sequence: { groupOrder: 0 },
          },
        },
        { test: { ...project, name: 'thorough', include: thorough, sequence: { groupOrder: 1 } } },
        {
          test: {
            ...limits,
            env,
            name: 'python',
            include: python,
            globalSetup: ['test/python/install.ts'],
          },
        },
        {
          test: { ...limits, name: 'timed', include: timed, fileParallelism: false, sequence: { groupOrder: 2 } },
        },
        {
          test: {
            ...limits,
            env,
            name: 'browser',
            include: browser,
            globalSetup: ['test/browser/build-page.ts'],
            fileParallelism: false,
            sequence: { groupOrder: 3 },
          },
        },
      ],
    },
  };
});
