import { execFileSync } from 'node:child_process';
import { basename, join } from 'node:path';

const { root, work } = $cli.paths;
const folder = join(work, 'bundles');

/**
 * What is deployed is what `npm run build:functions` makes and the tests measure: SST's own bundler takes no alias. It is made anew
 * for every deployment, in a process of its own, since an import of esbuild would find that of SST's platform from here.
 */
if (!$dev) {
  const shell = process.platform === 'win32';
  execFileSync('npm', ['run', '--silent', 'build:functions', '--', folder], {
    cwd: root,
    shell,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Where Lambda finds a function. `sst dev` runs the sources instead, to follow every change. */
export function codeOf(name: string, handler: string): { readonly handler: string; readonly bundle?: string } {
  return $dev ? { handler } : { bundle: join(folder, name), handler: basename(handler) };
}
