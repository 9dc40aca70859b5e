import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import { functions } from '../topology.ts';

/**
 * The esbuild options for functions: minified ESM for Node 24. Dynamic imports are split off, so that a cold start does not
 * load them.
 */
export const bundleOptions = {
  bundle: true,
  splitting: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  alias: { 'node:http': './stacks/build/lean-http.ts' },
  // Some dependencies call require() for built-in modules.
  banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
} satisfies BuildOptions;

const root = new URL('../..', import.meta.url).pathname;

/** Bundles one file. `bytes` is the size of the entry including its static imports. */
export async function bundle(entry: string, outdir: string): Promise<{ file: string; bytes: number }> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outdir,
    outExtension: { '.js': '.mjs' },
    ...bundleOptions,
    metafile: true,
    logLevel: 'error',
  });
  const outputs = new Map(Object.entries(metafile.outputs));
  const [main] = [...outputs].find(([, output]) => output.entryPoint === entry) ?? [];
  if (main === undefined) throw new Error(`esbuild wrote no bundle for ${entry}`);
  return { file: join(root, main), bytes: staticSize(main, outputs, new Set()) };
}

function staticSize(
  name: string,
  outputs: ReadonlyMap<string, Metafile['outputs'][string]>,
  seen: Set<string>,
): number {
  const output = outputs.get(name);
  if (!output || seen.has(name)) return 0;
  seen.add(name);
  const imported = output.imports.filter(({ kind }) => kind === 'import-statement');
  return imported.reduce((bytes, { path }) => bytes + staticSize(path, outputs, seen), output.bytes);
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
