import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { defaultDataFolder, deleteData, StateError } from '../local/state.ts';
import type { ResetOptions } from './commands/reset.ts';
import { CliError } from './errors.ts';
import { printJson, printStatus } from './output.ts';
import { confirm } from './prompts.ts';

/** `livechat reset`. @throws CliError if an engine uses the folder */
export async function resetLocalEngine(options: ResetOptions): Promise<void> {
  const folder = resolve(options.data ?? defaultDataFolder);
  if (existsSync(folder)) await confirm(`Delete the state of the local engine in ${folder}?`, options);
  const deleted = deleteFolder(folder);
  if (options.json) printJson({ ok: true, folder, deleted });
  else printStatus(deleted ? `Deleted the data in ${folder}.` : `No data in ${folder}.`);
}

function deleteFolder(folder: string): boolean {
  try {
    return deleteData(folder);
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    throw new CliError(
      error.problem === 'busy' ? `An engine is using the folder ${folder}. Stop the engine first.` : error.message,
    );
  }
}
