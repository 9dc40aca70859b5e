import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** The tests that the mutants run against: those beside the mutated modules. None of them starts an engine. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '..', '..'),
    include: [
      'core/livechat/translate*.test.ts',
      'core/routing/{conditions,rules}.test.ts',
      'core/conversations/projection.test.ts',
    ],
    env: { TEST_DEPTH: 'fast' },
    // A property is slow on a busy machine.
    testTimeout: 60_000,
  },
});
