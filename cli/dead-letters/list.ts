import { select } from '../../core/outbound/dead-letters/select.ts';
import { colours, print, printJson } from '../output.ts';
import type { ListOptions } from './options.ts';
import { printLetters } from './table.ts';

/** The newest letters. */
export const listThem = async ({ status, filter, maxAge, limit, json }: ListOptions): Promise<void> => {
  const found = await select(status, { ...filter, maxAgeMs: maxAge }, { limit: limit + 1, now: Date.now() });
  const letters = found.slice(0, limit);
  const more = found.length > limit;
  if (json) {
    printJson({ ok: true, deadLetters: letters, more });
    return;
  }
  if (letters.length === 0) print(`No ${status} dead letters.`);
  else printLetters(letters);
  if (more) print(colours.dim('There are more: --limit shows them.'));
};
