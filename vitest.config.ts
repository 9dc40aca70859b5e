import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{core,functions,stacks,local,console,cli,bench,examples,test}/**/*.test.ts'],
    // These need SST's platform: `npm run test:stacks`.
    exclude: ['test/stacks/**'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
