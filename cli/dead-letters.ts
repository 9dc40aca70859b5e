import {
  type DeadLetter,
  type DeadLetterSummary,
  findDeadLetter,
  listDeadLetters as queryDeadLetters,
} from '../core/outbound/dead-letter.ts';
import { dismissAll, redriveAll, redriveObstacle, redriveWarning } from '../core/outbound/dead-letter-handler.ts';
import { listDeliveries } from '../core/outbound/delivery.ts';
import { outboundPorts } from '../core/outbound/ports.ts';
import { logger } from '../core/platform/logger.ts';
import type { DismissOptions, ListOptions, RedriveOptions } from './commands/dead-letters.ts';
import { CliError, exitCodes } from './errors.ts';
import { colours, print, printable, printJson, printPage } from './output.ts';
import { confirm, withProgress, withSpinner } from './prompts.ts';
import { printTable } from './table.ts';

const toTime = (ageMs: number | undefined) =>
  ageMs === undefined ? undefined : new Date(Date.now() - ageMs).toISOString();

const readDeadLetters: typeof queryDeadLetters = (...query) =>
  withSpinner('Reading dead letters', () => queryDeadLetters(...query));

/** Lists the newest dead letters. */
export const listDeadLetters = async (options: ListOptions): Promise<void> => {
  const { status, filter, maxAge, limit } = options;
  const found = await readDeadLetters(status, { limit: limit + 1, since: toTime(maxAge), filter });
  printPage('deadLetters', found.deadLetters, options, (deadLetters) =>
    printDeadLetters(deadLetters, `No ${status} dead letters.`),
  );
};

const printDeadLetters = (deadLetters: readonly DeadLetterSummary[], ifEmpty?: string): void =>
  printTable(
    deadLetters.map(({ id, createdAt, kind, errorName, failedCalls, redrives, conversationId, requestId }) => ({
      id,
      archived: createdAt.slice(0, 19),
      kind,
      error: printable(errorName),
      'failed calls': failedCalls,
      redrives,
      about: printable(
        [conversationId && `chat ${conversationId}`, requestId && `request ${requestId}`].filter(Boolean).join(', '),
      ),
    })),
    ifEmpty,
  );

/** Shows everything that is stored of one dead letter, with the messages of a send request. */
export const showDeadLetter = async (id: string, { json }: { json?: true }): Promise<void> => {
  const { summary, deadLetter } = await findById(id, 'See `livechat dead-letters list`.');
  const messages = await findMessages(deadLetter);
  if (json) return printJson({ ok: true, deadLetter: summary, content: deadLetter, messages });
  const { errorMessage, ...rest } = summary;
  for (const [name, value] of Object.entries({ ...rest, errorMessage })) {
    print(`${colours.bold(name.padEnd(15))} ${printable(String(value))}`);
  }
  print(printable(JSON.stringify(deadLetter, undefined, 2)));
  for (const { id: deliveryId, status, content } of messages) {
    print(`${colours.bold(deliveryId)}  ${status}`);
    print(printable(JSON.stringify(content, undefined, 2)));
  }
};

/** The deliveries of a send request and what they send, as far as they are not erased. */
const findMessages = async (deadLetter: DeadLetter) => {
  if (deadLetter.kind !== 'send') return [];
  const stored = await listDeliveries(deadLetter.request);
  return deadLetter.request.deliveries.flatMap(({ id }) => {
    const delivery = stored.get(id);
    if (!delivery) return [];
    const content: unknown = delivery.content === undefined ? '(erased)' : JSON.parse(delivery.content);
    return [{ id, status: delivery.status, content }];
  });
};

/** Redrives the selected dead letters after showing them. Leaves out those that would fail again. */
export const redriveDeadLetters = async (ids: readonly string[], options: RedriveOptions): Promise<void> => {
  const { dryRun, force = false, json } = options;
  const selection = select(await findSelected(ids, options, 'Nothing was redriven.'), force);
  const { selected, leftOut } = selection;
  if (!json) printSelection(selection);
  if (dryRun) {
    if (json) printJson({ ok: true, dryRun, deadLetters: selected, leftOut });
    else if (selected.length > 0) print(`\n${selected.length} would be redriven: ${countByError(selected)}.`);
    return;
  }
  const results = selected.length === 0 ? [] : await redriveSelected(selected, options);
  const refused = results.filter((one) => one.refused !== undefined);
  const redriven = results.length - refused.length;
  // A caller that names ids expects all of them to be redriven.
  const ok = refused.length === 0 && (ids.length === 0 || leftOut.length === 0);
  if (!ok) process.exitCode = exitCodes.failure;
  if (json) return printJson({ ok, redriven, refused, leftOut });
  if (selected.length > 0) print(colours.green(`${redriven} redriven.`));
  for (const one of refused) print(colours.red(`Not redriven: ${one.refused}`));
};

/** Asks for confirmation first. */
const redriveSelected = async (selected: readonly DeadLetterSummary[], options: RedriveOptions) => {
  await confirm(`Redrive ${describeCount(selected)}?`, options);
  const { force = false } = options;
  return withProgress('Redriving', selected.length, ({ step }) =>
    redriveAll(selected, outboundPorts(logger), { force, onDone: step }),
  );
};

const describeCount = ({ length }: readonly DeadLetterSummary[]): string =>
  length === 1 ? 'this dead letter' : `these ${length} dead letters`;

/** Dismisses the selected dead letters after showing them. */
export const dismissDeadLetters = async (ids: readonly string[], options: DismissOptions): Promise<void> => {
  const { reason, dryRun, json } = options;
  const selected = await findSelected(ids, options, 'Nothing was dismissed.');
  if (!json && selected.length > 0) printDeadLetters(selected);
  else if (!json) print('No open dead letter matches.');
  if (dryRun) {
    if (json) printJson({ ok: true, dryRun, deadLetters: selected });
    else if (selected.length > 0) print(`\n${selected.length} would be dismissed: ${countByError(selected)}.`);
    return;
  }
  const results = selected.length === 0 ? [] : await dismissSelected(selected, reason, options);
  const refused = results.filter((one) => one.refused !== undefined);
  const dismissed = results.length - refused.length;
  if (refused.length > 0) process.exitCode = exitCodes.failure;
  if (json) return printJson({ ok: refused.length === 0, dismissed, refused });
  if (selected.length > 0) print(colours.green(`${dismissed} dismissed.`));
  for (const one of refused) print(colours.red(`Not dismissed: ${one.refused}`));
};

/** Asks for confirmation first. */
const dismissSelected = async (selected: readonly DeadLetterSummary[], reason: string, options: DismissOptions) => {
  await confirm(`Dismiss ${describeCount(selected)}? Nothing is sent.`, options);
  return withProgress('Dismissing', selected.length, ({ step: onDone }) =>
    dismissAll(selected, reason, { now: Date.now(), onDone }),
  );
};

/** @throws CliError that ends with `consequence` if an id does not exist */
const findSelected = async (
  ids: readonly string[],
  { filter, maxAge }: Pick<DismissOptions, 'filter' | 'maxAge'>,
  consequence: string,
): Promise<readonly DeadLetterSummary[]> => {
  if (ids.length > 0) return Promise.all(ids.map(async (id) => (await findById(id, consequence)).summary));
  const all = { limit: Number.POSITIVE_INFINITY, since: toTime(maxAge), filter };
  return (await readDeadLetters('open', all)).deadLetters;
};

/** Leaves out what cannot be redriven, and without `force` what will fail again unless the cause has been fixed. */
const select = (found: readonly DeadLetterSummary[], force: boolean) => {
  const leftOut = found.flatMap((deadLetter) => {
    const warning = force ? undefined : redriveWarning(deadLetter);
    const reason = redriveObstacle(deadLetter) ?? (warning && `${warning}; --force redrives it`);
    return reason === undefined ? [] : [{ id: deadLetter.id, reason }];
  });
  const leftOutIds = new Set(leftOut.map(({ id }) => id));
  return { selected: found.filter(({ id }) => !leftOutIds.has(id)), leftOut };
};

const printSelection = ({ selected, leftOut }: ReturnType<typeof select>): void => {
  if (selected.length > 0) printDeadLetters(selected);
  for (const { id, reason } of leftOut) print(colours.yellow(`Left out: ${id}, ${printable(reason)}`));
  if (selected.length === 0) print(leftOut.length > 0 ? 'Nothing to redrive.' : 'No open dead letter matches.');
};

const findById = async (id: string, advice: string) => {
  const found = await findDeadLetter(id);
  if (!found) throw new CliError(`Dead letter ${id} not found. ${advice}`);
  return found;
};

/** For example: `3 send ChannelServerError, 1 event NotDelivered`. */
const countByError = (deadLetters: readonly DeadLetterSummary[]): string => {
  const groups = Object.groupBy(deadLetters, ({ kind, errorName }) => `${kind} ${printable(errorName)}`);
  return Object.entries(groups)
    .map(([name, group = []]) => `${group.length} ${name}`)
    .join(', ');
};
