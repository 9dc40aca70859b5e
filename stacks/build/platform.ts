import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Sees to it that SST's platform, its components and their types, is there in the version of the `sst` package. Only what
 * deals with `stacks/` needs it; the rest of the project is built and tested without.
 */
const root = join(import.meta.dirname, '..', '..');
const platform = join(root, '.sst', 'platform');
const wanted: { version: string } = JSON.parse(readFileSync(join(root, 'node_modules', 'sst', 'package.json'), 'utf8'));

function isInstalled(): boolean {
  // The version is written before the packages are there, so both are looked at.
  const version = join(platform, 'version');
  const provider = join(platform, 'node_modules', '@pulumi', 'aws', 'package.json');
  return existsSync(version) && existsSync(provider) && readFileSync(version, 'utf8').trim() === wanted.version;
}

if (!isInstalled()) {
  console.error(
    `Installing the platform of SST ${wanted.version} into .sst/platform, once; it downloads Pulumi and some 300 MB of packages.`,
  );
  const sst = join(root, 'node_modules', '.bin', 'sst');
  // A stage is asked for, though nothing of it is used.
  const env = { ...process.env, SST_STAGE: process.env.SST_STAGE ?? 'check' };
  const { status } = spawnSync(sst, ['install'], {
    cwd: root,
    env,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0 || !isInstalled()) {
    console.error(
      'The platform could not be installed, so stacks/ cannot be checked. `npx sst install` tries again, `npm run check:core` checks the rest.',
    );
    process.exitCode = 1;
  }
}
