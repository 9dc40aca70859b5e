import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from '../../stacks/build/bundle.ts';

const root = join(import.meta.dirname, '..', '..');

/** The form of environment variables, which no other identifiers in the code have. */
const variable = /\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b/g;

/**
 * The environment variables that the code of a function may read: every such name in its bundle outside of libraries. It
 * searches the bundle rather than the sources, because unused code is removed there.
 */
export async function findVariables(handler: string): Promise<ReadonlySet<string>> {
  const { outputFiles } = await build({
    ...bundleOptions,
    mainFields: [...bundleOptions.mainFields],
    absWorkingDir: root,
    entryPoints: [handler.replace(/\.handler$/, '.ts')],
    outdir: join(root, 'dist', 'reads'),
    // Without minification, esbuild writes the path of each module as a comment.
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
