import { type DeadLetterSummary, findDeadLetter, searchDeadLetters } from '../core/outbound/dead-letter.ts';
import { redriveAll, redriveObstacle, redriveWarning } from '../core/outbound/dead-letter-handler.ts';
import { outboundPorts } from '../core/outbound/ports.ts';
import { logger } from '../core/platform/logger.ts';
import type { ListOptions, RedriveOptions, ShowOptions } from './commands/dead-letters.ts';
import { CliError, exitCodes } from './errors.ts';
import { colours, print, printable, printJson, printPage, printTable } from './output.ts';
import { confirm, withProgress } from './prompts.ts';

/** Lists the newest dead letters. */
export const listDeadLetters = async (options: ListOptions): Promise<void> => {
  const { status, filter, maxAge, limit } = options;
  const found = await searchDeadLetters(status, { ...filter, maxAgeMs: maxAge }, { limit: limit + 1, now: Date.now() });
  printPage('deadLetters', found, options, (deadLetters) =>
    deadLetters.length === 0 ? print(`No ${status} dead letters.`) : printDeadLetters(deadLetters),
  );
};

const printDeadLetters = (deadLetters: readonly DeadLetterSummary[]): void =>
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
  const { summary, letter } = await findById(id, 'See `livechat dead-letters list`.');
  if (json) return printJson({ ok: true, deadLetter: summary, letter });
  const { errorMessage, ...rest } = summary;
  for (const [name, value] of Object.entries({ ...rest, errorMessage })) {
    print(`${colours.bold(name.padEnd(15))} ${printable(String(value))}`);
  }
  print(printable(JSON.stringify(letter, undefined, 2)));
};

/** Redrives the selected dead letters after showing them. */
export const redriveDeadLetters = async (options: RedriveOptions): Promise<void> => {
  const { id: ids, filter, maxAge, dryRun, force, json } = options;
  const found =
    ids.length > 0
      ? await Promise.all(ids.map(async (id) => (await findById(id, 'Nothing was redriven.')).summary))
      : await searchDeadLetters(
          'open',
          { ...filter, maxAgeMs: maxAge },
          { limit: Number.POSITIVE_INFINITY, now: Date.now() },
        );
  const leftOut = found.flatMap((letter) => {
    const reason = redriveObstacle(letter) ?? (force ? undefined : redriveWarning(letter));
    return reason === undefined ? [] : [{ id: letter.id, refused: reason }];
  });
  const selected = found.filter(({ id }) => !leftOut.some((one) => one.id === id));
  if (!json && selected.length > 0) printDeadLetters(selected);
  if (!json) printLeftOut(leftOut);
  if (dryRun || selected.length === 0) {
    if (json) printJson({ ok: true, dryRun, deadLetters: selected, leftOut });
    else if (selected.length === 0) print('No open dead letter matches.');
    else print(`\n${selected.length} would be redriven: ${countByError(selected)}.`);
    return;
  }
  const count = selected.length === 1 ? 'this dead letter' : `these ${selected.length} dead letters`;
  await confirm(`Redrive ${count}?`, options);
  const results = await withProgress('Redriving', selected.length, ({ step }) =>
    redriveAll(selected, outboundPorts(logger), { force, onDone: step }),
  );
  const refused = results.filter((one) => one.refused !== undefined);
  const redriven = results.length - refused.length;
  const ok = refused.length === 0;
  if (!ok) process.exitCode = exitCodes.failure;
  if (json) return printJson({ ok, redriven, refused, leftOut });
  print(colours.green(`${redriven} redriven.`));
  for (const one of refused) print(colours.red(`Not redriven: ${one.refused}`));
};

const printLeftOut = (leftOut: readonly { readonly id: string; readonly refused: string }[]): void => {
  for (const { id, refused } of leftOut) print(colours.yellow(`Left out: ${id}, ${printable(refused)}`));
};

const findById = async (id: string, advice: string) => {
  const found = await findDeadLetter(id);
  if (!found) throw new CliError(`Dead letter ${id} not found. ${advice}`);
  return found;
};

/** For example: `3 send LiveChatServerError, 1 event NotDelivered`. */
const countByError = (deadLetters: readonly DeadLetterSummary[]): string => {
  const groups = Object.groupBy(deadLetters, ({ kind, errorName }) => `${kind} ${printable(errorName)}`);
  return Object.entries(groups)
    .map(([name, group = []]) => `${group.length} ${name}`)
    .join(', ');
};
