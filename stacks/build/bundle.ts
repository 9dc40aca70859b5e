import { rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { functions } from '../topology.ts';
import { builtIns, channelPorts, dynamicImports, electrodbAsModules, lightModules } from './plugins.ts';

/** The esbuild options for functions: minified ESM for Node 24. */
export const bundleOptions = {
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  plugins: [builtIns, lightModules, electrodbAsModules, channelPorts],
  // Some dependencies call require() for built-in modules.
  banner: { js: "const require=process.getBuiltinModule('node:module').createRequire(import.meta.url);" },
} satisfies BuildOptions;

const root = new URL('../..', import.meta.url).pathname;

/** Bundles one file, and each module that it imports dynamically. `bytes` is the size that a cold start loads. */
export async function bundle(entry: string, outdir: string): Promise<{ file: string; bytes: number }> {
  const entries = new Map([[basename(entry, '.ts'), entry]]);
  const built: { file: string; bytes: number }[] = [];
  for (const [name, file] of entries) {
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: { [name]: file },
      outdir,
      outExtension: { '.js': '.mjs' },
      ...bundleOptions,
      plugins: [...bundleOptions.plugins, dynamicImports(entries)],
      metafile: true,
      logLevel: 'error',
    });
    built.push(...Object.entries(metafile.outputs).map(([file, { bytes }]) => ({ file: join(root, file), bytes })));
  }
  const [main] = built;
  if (main === undefined) throw new Error(`esbuild wrote no bundle for ${entry}`);
  return main;
}

/** `npm run build:functions -- [folder]`: bundles every function for deployment. Default folder: dist/functions. */
if (import.meta.main) {
  const [folder = join(root, 'dist', 'functions')] = process.argv.slice(2);
  const outdir = resolve(folder);
  await rm(outdir, { recursive: true, force: true });
  for (const [name, { handler }] of Object.entries(functions)) {
    const { bytes } = await bundle(handler.replace(/\.handler$/, '.ts'), join(outdir, name));
    console.log(`${name.padEnd(20)} ${Math.round(bytes / 1024)} KB`);
  }
}
