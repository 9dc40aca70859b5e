import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { appFile, stages } from './app.ts';

const program = join(import.meta.dirname, 'program.ts');

/** Synthesizes a stage into a file. The error of a failed stage contains its output. */
export async function synthesize(
  stage: string,
  mode: 'deploy' | 'dev',
  file: string,
  environment: Readonly<Record<string, string>>,
  project = '.',
): Promise<void> {
  await promisify(execFile)(process.execPath, [program, stage, mode, file, project], {
    // Settings of the current environment must not affect the tests.
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_OPTIONS: '--no-warnings', ...environment },
  });
}

/** Synthesizes every stage before the tests. */
export async function setup(): Promise<void> {
  await mkdir(join(appFile('production'), '..'), { recursive: true });
  await Promise.all(
    Object.entries(stages).map(([name, { stage, mode, environment }]) =>
      synthesize(stage, mode, appFile(name), environment),
    ),
  );
}
