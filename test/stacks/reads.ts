import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from '../../stacks/build/bundle.ts';

const root = join(import.meta.dirname, '..', '..');

/** A name as environment variables have it, which in the code's own style nothing else has. */
const variable = /\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b/g;

/**
 * The environment variables that a function's own code may read: every such name that is left in its bundle, the libraries' code apart.
 * Found in the bundle rather than in the sources, since what is never called is not in it.
 */
export async function variablesIn(handler: string): Promise<ReadonlySet<string>> {
  const { outputFiles } = await build({
    ...bundleOptions,
    mainFields: [...bundleOptions.mainFields],
    absWorkingDir: root,
    entryPoints: [handler.replace(/\.handler$/, '.ts')],
    outdir: join(root, 'dist', 'reads'),
    // Before each module esbuild says whose it is.
    minify: false,
    minifySyntax: true,
    write: false,
    logLevel: 'error',
  });
  const names = outputFiles.flatMap(({ text }) => ownCode(text).flatMap((code) => [...code.matchAll(variable)]));
  return new Set(names.map(([, name = '']) => name));
}

function ownCode(bundle: string): string[] {
  const modules = bundle.split(/^\/\/ (?=[\w.@/-]+\.[cm]?[jt]s$)/m);
  return modules.filter((module) => /^(?:core|functions)\//.test(module));
}
