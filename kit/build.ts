import { join } from 'node:path';
import { type Plugin, rolldown } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';

/**
 * Builds the package into `dist/`: the bundle of each entry point, including the code from core, and its types. `--code-only`
 * keeps the types of the last build. docs/decisions/0009-kit-bundles-the-catalogue.md gives the reasons.
 */
const codeOnly = process.argv.includes('--code-only');
const root = join(import.meta.dirname, '..');

const types = (): Plugin[] =>
  dts({
    // The folder of the tsconfig is the root of the emitted declarations, so the file is not in kit/.
    tsconfig: join(root, 'tsconfig.kit.json'),
    tsgo: { path: join(root, 'node_modules', '.bin', 'tsc') },
  });

const bundle = await rolldown({
  cwd: import.meta.dirname,
  input: ['events.ts', 'send.ts', 'subscribe.ts'],
  platform: 'node',
  external: /^[^./]/,
  treeshake: {
    moduleSideEffects: [
      // Sets the locale of zod.
      { test: /core\/events\/issues\.ts$/, sideEffects: true },
      { external: true, sideEffects: false },
    ],
  },
  plugins: codeOnly ? [] : types(),
});
await bundle.write({ dir: join(import.meta.dirname, 'dist'), format: 'esm', cleanDir: !codeOnly });
