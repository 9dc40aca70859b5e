import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';

/**
 * How a function is bundled, in esbuild's terms: ESM for Node 24, minified, with what is imported on demand in files of its
 * own, so that a cold start reads only what it needs.
 */
export const bundling = {
  bundle: true,
  splitting: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  alias: { 'node:http': './stacks/build/lean-http.ts' },
  // Some dependencies still call require() for Node's own modules.
  banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
} as const;

const root = new URL('../..', import.meta.url).pathname;

/**
 * Bundles one file as it is deployed. Answers where its entry is, and the entry's size in bytes with all that it imports at once.
 */
export async function bundle(entry: string, outdir: string): Promise<{ file: string; bytes: number }> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outdir,
    outExtension: { '.js': '.mjs' },
    ...bundling,
    mainFields: [...bundling.mainFields],
    metafile: true,
    logLevel: 'error',
  });
  const outputs = new Map(Object.entries(metafile.outputs));
  const [main] = [...outputs].find(([, output]) => output.entryPoint === entry) ?? [];
  if (main === undefined) throw new Error(`${entry} made no bundle`);
  return { file: join(root, main), bytes: sizeAtStart(main, outputs, new Set()) };
}

function sizeAtStart(
  name: string,
  outputs: ReadonlyMap<string, Metafile['outputs'][string]>,
  seen: Set<string>,
): number {
  const output = outputs.get(name);
  if (!output || seen.has(name)) return 0;
  seen.add(name);
  const imported = output.imports.filter(({ kind }) => kind === 'import-statement');
  return imported.reduce((bytes, { path }) => bytes + sizeAtStart(path, outputs, seen), output.bytes);
}

/** Writes a module to bundle, and bundles it. */
export async function bundleSource(
  source: string,
  name: string,
  outdir: string,
): Promise<{ file: string; bytes: number }> {
  // Inside the project, so that its packages are found.
  await mkdir(join(root, 'dist'), { recursive: true });
  const entry = join('dist', `bench-${name}.ts`);
  await writeFile(join(root, entry), source);
  return bundle(entry, outdir);
}
