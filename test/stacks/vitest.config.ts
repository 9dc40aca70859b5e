import { defineConfig } from 'vitest/config';

/** A separate configuration, because these tests need SST's platform, which is not in node_modules. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    globalSetup: ['synthesize.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
