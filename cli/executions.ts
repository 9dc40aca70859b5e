import { type ExecutionFilter, findExecution, findExecutions, listExecutions } from '../core/executions/executions.ts';
import { type HistoryEvent, readExecutionHistory } from '../core/executions/history.ts';
import { type ExecutionView, executionStatuses } from '../core/executions/view.ts';
import { causeMessage } from '../core/outbound/dead-letter.ts';
import type { ListOptions } from './commands/executions.ts';
import { CliError } from './errors.ts';
import { colours, print, printable, printJson, printPage } from './output.ts';
import { withSpinner } from './prompts.ts';
import { printTable } from './table.ts';

/** Lists executions, or those that a search finds. */
export const listLatestExecutions = async (options: ListOptions): Promise<void> => {
  const { search, limit } = options;
  const filter = toFilter(options);
  const found = await withSpinner('Reading executions', async () =>
    search === undefined
      ? (await listExecutions({ ...filter, limit: limit + 1 })).executions
      : await findExecutions(search, filter),
  );
  printPage('executions', found, options, (executions) =>
    printTable(
      executions.map((one) => ({
        started: one.startDate.slice(0, 19),
        status: formatStatus(one),
        error: printable(one.error ?? ''),
        customer: printable(one.customer ?? ''),
        message: printable(formatText(one)),
        chat: printable(one.conversationId),
        request: printable(one.requestId),
        attempts: one.attempts,
        duration: formatDuration(one),
      })),
      'No execution matches.',
    ),
  );
};

const toFilter = ({ status, error, since, until }: ListOptions): ExecutionFilter => ({
  status: executionStatuses.find((one) => one.toLowerCase() === status),
  error,
  since: toTime(since),
  until: toTime(until),
});

const toTime = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());

const formatStatus = ({ status, redrive }: Pick<ExecutionView, 'status' | 'redrive'>): string =>
  `${status.toLowerCase()}${redrive > 0 ? `, redrive ${redrive}` : ''}`;

const formatText = ({ text, parts }: ExecutionView): string => {
  if (parts === 0) return '(the input is not a send request)';
  return `${text ?? '(no longer stored)'}${parts > 1 ? ` (and ${parts - 1} more)` : ''}`;
};

const formatDuration = ({ startDate, stopDate }: Pick<ExecutionView, 'startDate' | 'stopDate'>): string =>
  stopDate === undefined ? '' : `${((Date.parse(stopDate) - Date.parse(startDate)) / 1000).toFixed(1)} s`;

/** Shows one execution, found by its name, its ARN or its request. */
export const showExecution = async (id: string, { json }: { json?: true }): Promise<void> => {
  const found = (await findExecution(id)) ?? (await findExecution(await findName(id)));
  if (!found) throw notFound(id);
  const history = await readExecutionHistory(found.execution.id);
  if (json) return printJson({ ok: true, ...found, ...history });
  printExecution(found);
  print('');
  if (history.hasEarlierEvents) print(colours.dim(`The last ${history.history.length} events:`));
  printHistory(history.history);
};

type FoundExecution = NonNullable<Awaited<ReturnType<typeof findExecution>>>;

const printExecution = ({ execution, request }: FoundExecution): void => {
  const { organizationId, conversationId, requestId, redrive = 0 } = request ?? {};
  const fields = {
    execution: execution.name,
    status: formatStatus({ status: execution.status, redrive }),
    started: execution.startDate,
    duration: formatDuration(execution),
    error: formatError(execution),
    'dead letter': execution.deadLetterId,
    customer: execution.customer,
    message: execution.text,
    chat: conversationId,
    organization: organizationId,
    request: requestId,
    attempts: execution.attempts,
    ARN: execution.id,
  };
  for (const [label, value = ''] of Object.entries(fields)) {
    if (value !== '') print(`${colours.bold(label.padEnd(12))} ${printable(String(value))}`);
  }
};

const formatError = ({ error, cause }: Pick<HistoryEvent, 'error' | 'cause'>): string =>
  [error, cause && causeMessage(cause)].filter(Boolean).join(': ');

const printHistory = (history: readonly HistoryEvent[]): void =>
  printTable(
    history.map((event) => ({
      time: event.timestamp,
      event: event.type,
      state: printable(event.name ?? ''),
      error: printable(formatError(event)),
    })),
  );

/** @throws CliError if there is none, or more than one */
const findName = async (id: string): Promise<string> => {
  const found = await findExecutions(id);
  const [only, another] = found;
  if (!only) throw notFound(id);
  if (!another) return only.name;
  const names = found.map((one) => `  ${one.name}  ${formatStatus(one)}, started ${one.startDate.slice(0, 19)}`);
  throw new CliError(`${found.length} executions match ${id}: pass the name of one.\n${printable(names.join('\n'))}`);
};

const notFound = (id: string) =>
  new CliError(
    `Execution ${id} not found: pass a name, an ARN or the id of a request. See \`livechat executions list\`.`,
  );
