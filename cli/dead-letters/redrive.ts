import { type Redriven, redriveAll, select } from '../../core/outbound/dead-letters/select.ts';
import { type Archived, find } from '../../core/outbound/dead-letters/store.ts';
import { confirm } from '../confirm.ts';
import { CliError, exitCodes } from '../errors.ts';
import { colours, print, printable, printJson } from '../output.ts';
import { withProgress } from '../progress.ts';
import type { RedriveOptions } from './options.ts';
import { printLetters } from './table.ts';

const named = async (id: string): Promise<Archived> => {
  const found = await find(id);
  if (!found) throw new CliError(`There is no dead letter ${id}, so none was redriven.`);
  return found.archived;
};

const chosen = (ids: readonly string[], { filter, maxAge }: RedriveOptions): Promise<Archived[]> =>
  ids.length > 0
    ? Promise.all(ids.map(named))
    : select('open', { ...filter, maxAgeMs: maxAge }, { limit: Number.POSITIVE_INFINITY, now: Date.now() });

/** `3 send LiveChatServerError, 1 event NotDelivered` */
const byKind = (letters: readonly Archived[]): string => {
  const counts = new Map<string, number>();
  for (const { kind, errorName } of letters) {
    const what = `${kind} ${printable(errorName)}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts].map(([what, count]) => `${count} ${what}`).join(', ');
};

const tell = (redriven: number, refused: readonly Redriven[]): void => {
  print(colours.green(`${redriven} redriven.`));
  for (const one of refused) print(colours.red(`Not redriven: ${one.refused}`));
};

/** Tries the chosen letters again, after a look at them. */
export const redriveThem = async (ids: readonly string[], given: RedriveOptions): Promise<void> => {
  const letters = await chosen(ids, given);
  if (!given.json && letters.length > 0) printLetters(letters);
  if (given.dryRun || letters.length === 0) {
    if (given.json) printJson({ ok: true, dryRun: given.dryRun, deadLetters: letters });
    else
      print(
        letters.length === 0
          ? 'No open dead letter fits.'
          : `\n${letters.length} would be redriven: ${byKind(letters)}.`,
      );
    return;
  }
  await confirm(letters.length === 1 ? 'Redrive this letter?' : `Redrive these ${letters.length} letters?`, given);
  const done = await withProgress('Redriving', letters.length, ({ step }) => redriveAll(letters, Date.now, step));
  const refused = done.filter((one) => one.refused !== undefined);
  const ok = refused.length === 0;
  if (!ok) process.exitCode = exitCodes.failure;
  if (given.json) printJson({ ok, redriven: done.length - refused.length, refused });
  else tell(done.length - refused.length, refused);
};
