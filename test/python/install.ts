import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../markdown.ts';

const folder = join(root, 'node_modules', '.cache', 'python');
/** The folder of `python`, `aws` and `cfn-lint`. */
export const bin = join(folder, 'bin');

/** Global set-up: installs the packages of requirements.txt into a virtual environment. */
export function setup(): void {
  const requirements = join(import.meta.dirname, 'requirements.txt');
  execFileSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' });
  execFileSync(join(bin, 'pip'), ['install', '--quiet', '--requirement', requirements], { stdio: 'inherit' });
}
