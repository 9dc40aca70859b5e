import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { emittedFile, stages } from './emitted.ts';

const program = join(import.meta.dirname, 'program.ts');

/** Runs the app for each stage, before any test. What a run prints is shown when it fails. */
export async function setup(): Promise<void> {
  await mkdir(join(emittedFile('production'), '..'), { recursive: true });
  await Promise.all(
    Object.entries(stages).map(([name, { stage, mode, environment }]) =>
      promisify(execFile)(process.execPath, [program, stage, mode, emittedFile(name)], {
        // What the deployer has set must not decide what is tested.
        env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_OPTIONS: '--no-warnings', ...environment },
      }),
    ),
  );
}
