import { defineConfig } from 'vitest/config';
import { findChromium } from './test/browser/chromium.ts';

const chromium = findChromium();
if (!chromium) {
  console.warn(
    'There is no Chromium here, so the tests of the console in a browser (test/browser) are NOT run. Install one (Debian: apt-get install chromium), or set CHROMIUM_PATH to one.',
  );
}

export default defineConfig({
  test: {
    include: ['{core,functions,stacks,local,console,cli,bench,examples,test}/**/*.test.ts'],
    // Those of stacks need SST's platform: `npm run test:stacks`.
    exclude: ['test/stacks/**', ...(chromium ? [] : ['test/browser/**'])],
    globalSetup: chromium ? ['test/browser/build-page.ts'] : [],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
