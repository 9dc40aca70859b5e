import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './markdown.ts';

/** Global set-up: builds the code of the kit, which the examples import as the package `livechat-bridge`. */
export function setup(): void {
  execFileSync(process.execPath, [join(root, 'kit', 'build.ts'), '--code-only']);
}
