import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Installs SST's platform (its components and types) in the version of the `sst` package. Only `stacks/` needs it. */
const root = join(import.meta.dirname, '..', '..');
const platform = join(root, '.sst', 'platform');
const required: { version: string } = JSON.parse(
  readFileSync(join(root, 'node_modules', 'sst', 'package.json'), 'utf8'),
);

function isInstalled(): boolean {
  // SST writes the version before it installs the packages, and the types of the providers last.
  const version = join(platform, 'version');
  const provider = join(platform, 'node_modules', '@pulumi', 'aws', 'package.json');
  const types = join(platform, 'config.d.ts');
  return (
    existsSync(version) &&
    existsSync(provider) &&
    readFileSync(version, 'utf8').trim() === required.version &&
    readFileSync(types, 'utf8').includes('@pulumi/random')
  );
}

if (!isInstalled()) {
  console.error(
    `Installing the platform of SST ${required.version} into .sst/platform. This downloads Pulumi and about 300 MB of packages.`,
  );
  const sst = join(root, 'node_modules', '.bin', 'sst');
  // `sst install` requires a stage but does not use it.
  const env = { ...process.env, SST_STAGE: process.env.SST_STAGE ?? 'check' };
  const { status } = spawnSync(sst, ['install'], {
    cwd: root,
    env,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0 || !isInstalled()) {
    console.error(
      'Failed to install the platform, so stacks/ cannot be checked. Retry with `npx sst install`, or check the rest with `npm run check:core`.',
    );
    process.exitCode = 1;
  }
}
