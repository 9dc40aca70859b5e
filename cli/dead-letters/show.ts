import { find } from '../../core/outbound/dead-letters/store.ts';
import { CliError } from '../errors.ts';
import { colours, print, printable, printJson } from '../output.ts';
import type { ShowOptions } from './options.ts';

/** One letter, whole. */
export const show = async (id: string, { json }: ShowOptions): Promise<void> => {
  const found = await find(id);
  if (!found)
    throw new CliError(`There is no dead letter ${id}. \`livechat dead-letters list\` shows those there are.`);
  const { archived, letter } = found;
  if (json) {
    printJson({ ok: true, deadLetter: archived, letter });
    return;
  }
  const { errorMessage, ...rest } = archived;
  for (const [name, value] of Object.entries(rest))
    print(`${colours.bold(name.padEnd(15))} ${printable(String(value))}`);
  print(`${colours.bold('errorMessage'.padEnd(15))} ${printable(errorMessage)}`);
  print(printable(JSON.stringify(letter, undefined, 2)));
};
