import { join } from 'node:path';
import { defineConfig } from 'vite';

/** The console's page as static files, into dist/page. `npm run dev:page` serves it beside a running `npm start`. */
export default defineConfig({
  root: import.meta.dirname,
  build: {
    outDir: join(import.meta.dirname, '..', '..', 'dist', 'page'),
    emptyOutDir: true,
    // The content security policy does not allow data: URLs in styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': 'http://localhost:3000' } },
});
