import { redriveAll, select } from '../core/outbound/dead-letters/select.ts';
import { type Archived, find } from '../core/outbound/dead-letters/store.ts';
import type { ListOptions, RedriveOptions, ShowOptions } from './commands/dead-letters.ts';
import { CliError, exitCodes } from './errors.ts';
import { colours, print, printable, printJson, printPage, printTable } from './output.ts';
import { confirm, withProgress } from './prompts.ts';

/** Lists the newest dead letters. */
export const listDeadLetters = async (options: ListOptions): Promise<void> => {
  const { status, filter, maxAge, limit } = options;
  const found = await select(status, { ...filter, maxAgeMs: maxAge }, { limit: limit + 1, now: Date.now() });
  printPage('deadLetters', found, options, (deadLetters) =>
    deadLetters.length === 0 ? print(`No ${status} dead letters.`) : printDeadLetters(deadLetters),
  );
};

const printDeadLetters = (deadLetters: readonly Archived[]): void =>
  printTable(
    ['id', 'archived', 'kind', 'error', 'redrives', 'about'],
    deadLetters.map(({ id, createdAt, kind, errorName, redrives, conversationId, requestId }) => [
      id,
      createdAt.slice(0, 19),
      kind,
      printable(errorName),
      redrives,
      printable(
        [conversationId && `chat ${conversationId}`, requestId && `request ${requestId}`].filter(Boolean).join(', '),
      ),
    ]),
  );

/** Shows everything that is stored of one dead letter. */
export const showDeadLetter = async ({ id, json }: ShowOptions): Promise<void> => {
  const { archived, letter } = await findById(id, 'See `livechat dead-letters list`.');
  if (json) return printJson({ ok: true, deadLetter: archived, letter });
  const { errorMessage, ...rest } = archived;
  for (const [name, value] of Object.entries({ ...rest, errorMessage })) {
    print(`${colours.bold(name.padEnd(15))} ${printable(String(value))}`);
  }
  print(printable(JSON.stringify(letter, undefined, 2)));
};

/** Redrives the selected dead letters after showing them. */
export const redriveDeadLetters = async (options: RedriveOptions): Promise<void> => {
  const { id: ids, filter, maxAge, dryRun, json } = options;
  const selected =
    ids.length > 0
      ? await Promise.all(ids.map(async (id) => (await findById(id, 'Nothing was redriven.')).archived))
      : await select('open', { ...filter, maxAgeMs: maxAge }, { limit: Number.POSITIVE_INFINITY, now: Date.now() });
  if (!json && selected.length > 0) printDeadLetters(selected);
  if (dryRun || selected.length === 0) {
    if (json) printJson({ ok: true, dryRun, deadLetters: selected });
    else if (selected.length === 0) print('No open dead letter matches.');
    else print(`\n${selected.length} would be redriven: ${countByError(selected)}.`);
    return;
  }
  const count = selected.length === 1 ? 'this dead letter' : `these ${selected.length} dead letters`;
  await confirm(`Redrive ${count}?`, options);
  const results = await withProgress('Redriving', selected.length, ({ step }) => redriveAll(selected, Date.now, step));
  const refused = results.filter((one) => one.refused !== undefined);
  const redriven = results.length - refused.length;
  const ok = refused.length === 0;
  if (!ok) process.exitCode = exitCodes.failure;
  if (json) return printJson({ ok, redriven, refused });
  print(colours.green(`${redriven} redriven.`));
  for (const one of refused) print(colours.red(`Not redriven: ${one.refused}`));
};

const findById = async (id: string, advice: string) => {
  const found = await find(id);
  if (!found) throw new CliError(`Dead letter ${id} not found. ${advice}`);
  return found;
};

/** For example: `3 send LiveChatServerError, 1 event NotDelivered`. */
const countByError = (deadLetters: readonly Archived[]): string => {
  const groups = Object.groupBy(deadLetters, ({ kind, errorName }) => `${kind} ${printable(errorName)}`);
  return Object.entries(groups)
    .map(([name, group = []]) => `${group.length} ${name}`)
    .join(', ');
};
