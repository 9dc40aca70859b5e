import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';

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
} as const;

const root = new URL('../..', import.meta.url).pathname;

/** Bundles one file. `bytes` is the size of the entry including its static imports. */
export async function bundle(entry: string, outdir: string): Promise<{ file: string; bytes: number }> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outdir,
    outExtension: { '.js': '.mjs' },
    ...bundleOptions,
    mainFields: [...bundleOptions.mainFields],
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

/** Bundles the source text of a module. */
export async function bundleSource(
  source: string,
  name: string,
  outdir: string,
): Promise<{ file: string; bytes: number }> {
  // Inside the project, so that its packages resolve.
  await mkdir(join(root, 'dist'), { recursive: true });
  const entry = join('dist', `bench-${name}.ts`);
  await writeFile(join(root, entry), source);
  return bundle(entry, outdir);
}
