import { defineConfig } from 'vitest/config';

/** Of its own, since these tests need SST's platform, which is not in node_modules. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    globalSetup: ['emit.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
