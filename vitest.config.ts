import { defineConfig } from 'vitest/config';
import { findChromium } from './test/browser/chromium.ts';

const chromium = findChromium();
if (!chromium) {
  console.warn(
    'There is no Chromium here, so the tests of the console in a browser (test/browser) are NOT run. Install one (Debian: apt-get install chromium), or set CHROMIUM_PATH to one.',
  );
}

/** What measures seconds, which others must not take away. */
const alone = ['local/start.test.ts', 'test/browser/**/*.test.ts'];
const limits = { testTimeout: 30_000, hookTimeout: 30_000 };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...limits,
          name: 'all',
          include: ['{core,functions,stacks,local,console,cli,bench,examples,test}/**/*.test.ts'],
          // Those of stacks need SST's platform: `npm run test:stacks`.
          exclude: ['test/stacks/**', ...alone],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...limits,
          name: 'alone',
          include: alone,
          exclude: chromium ? [] : ['test/browser/**'],
          globalSetup: chromium ? ['test/browser/build-page.ts'] : [],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
