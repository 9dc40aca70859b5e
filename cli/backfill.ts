import { createOnUse, loadPorts } from '../core/channel/ports.ts';
import { channelName } from '../core/channel/spec.ts';
import { reconcilableOrganizations, reconcilers } from '../core/channels.ts';
import { findConversations, organizations } from '../core/conversations/queries.ts';
import { type BackfillRequest, backfill, type Progress } from '../core/reconciliation/reconcile.ts';
import type { ReconciliationRun, UnprovableReason } from '../core/reconciliation/report.ts';
import { listReconcilable, type Period } from '../core/reconciliation/source.ts';
import { LeaseLostError } from '../core/reconciliation/state.ts';
import { describeChoice } from './bridge.ts';
import type { BackfillOptions } from './commands/backfill.ts';
import { exitCodes, UsageError } from './errors.ts';
import { colours, print, printable, printJson, printStatus } from './output.ts';
import { type Activity, confirm, withActivity } from './prompts.ts';
import { printTable } from './table.ts';

/** Reconciles a period of one organization or of all, one after the other. */
export const runBackfill = async (period: Period, options: BackfillOptions): Promise<void> => {
  const { json, dryRun = false, chat: conversationId } = options;
  const organizationIds = await findOrganizations(options);
  const requests = organizationIds.map((organizationId) => ({ organizationId, ...period, conversationId }));
  if (!json) printPlan(requests, dryRun);
  const channels = [...new Set(organizationIds.map(channelName))].join(' and ');
  if (!dryRun) await confirm(`Read these chats from ${channels}, and publish the missing events?`, options);
  const interrupt = new AbortController();
  const results = await withActivity(async (activity) => {
    process.once('SIGINT', () => {
      interrupt.abort();
      activity.say('Stopping at the next call. Press Ctrl-C again to end at once.');
    });
    const ended: BackfillResult[] = [];
    for (const request of requests) {
      ended.push(await reconcile(request, dryRun, interrupt.signal, activity));
      if (interrupt.signal.aborted) break;
    }
    return ended;
  });
  const ok = results.length === requests.length && results.every(({ error }) => error === undefined);
  if (!ok) process.exitCode = interrupt.signal.aborted ? exitCodes.interrupted : exitCodes.failure;
  if (json) return printJson({ ok, ...(dryRun && { dryRun }), ...summarize(results) });
  printResults(results, dryRun);
  if (!ok) return print(`To continue: ${formatCommand(period, options)}`);
  if (dryRun) return print('Nothing was published.');
  const isProven = results.every(({ runs }) => runs.every((run) => countUnprovable(run) === 0));
  print(colours.green(`Complete: the last pass found no difference${isProven ? '' : ' in the other threads'}.`));
};

const findOrganizations = async ({ chat, organization }: BackfillOptions): Promise<readonly string[]> => {
  if (organization !== undefined) return [organization];
  const ofChat = chat === undefined ? [] : await findConversations(chat);
  if (ofChat.length > 0) return ofChat.map(({ organizationId }) => organizationId);
  const { organizationIds: known, excluded } = await listReconcilable(
    await loadPorts(reconcilableOrganizations),
    await organizations(),
  );
  if (excluded.length > 0)
    printStatus(`Not reconciled, since they have no credentials of their own: ${excluded.join(', ')}.`);
  if (known.length === 1 || (known.length > 1 && chat === undefined)) return known;
  const reason = known.length === 0 ? 'no organization has its own credentials' : describeChoice(known);
  throw new UsageError(`--organization is required: ${reason}.`);
};

const printPlan = (requests: readonly BackfillRequest[], dryRun: boolean): void => {
  printTable(
    requests.map(({ organizationId, from, to, conversationId = 'all' }) => ({
      organization: organizationId,
      from: from.slice(0, 19),
      to: to.slice(0, 19),
      chats: printable(conversationId),
    })),
  );
  if (!dryRun) print('Nothing is sent to customers, and no chat is routed. --dry-run counts what would be published.');
};

export interface BackfillResult {
  readonly request: BackfillRequest;
  /** One, or two if an interrupted run was continued first. */
  readonly runs: readonly ReconciliationRun[];
  /** Why it did not complete, and what to do. */
  readonly error?: string | undefined;
}

/** An organization that cannot be reconciled does not stop the others. */
const reconcile = async (
  request: BackfillRequest,
  dryRun: boolean,
  signal: AbortSignal,
  { show, say }: Activity,
): Promise<BackfillResult> => {
  const log = { debug() {}, info() {}, warn: say, error: say };
  try {
    const channel = createOnUse(await loadPorts(reconcilers))(request.organizationId);
    const runs = await backfill(request, {
      ...{ channel, dryRun, signal, log },
      onProgress: (progress) => show(formatProgress(progress)),
      onWait: (until) => show(`Another run is in progress: waiting until ${until.slice(11, 19)} UTC at most`),
    });
    return { request, runs, error: findProblem(runs) };
  } catch (error) {
    if (signal.aborted) return { request, runs: [], error: 'Interrupted.' };
    if (error instanceof LeaseLostError) return { request, runs: [], error: `${error.message}.` };
    throw error;
  }
};

/** Undefined if every run is complete. */
const findProblem = (runs: readonly ReconciliationRun[]): string | undefined => {
  const last = runs.at(-1);
  if (last?.status === 'complete') return undefined;
  return last?.error ? `${last.status}: ${last.error.message}` : 'The last pass still found differences.';
};

export const formatProgress = ({ phase, pass, run: { report } }: Progress): string =>
  `Pass ${pass}, ${phase}: ${report.threads} threads, ${report.published} events, ${report.calls} calls`;

const listProblems = (results: readonly BackfillResult[]): string[] =>
  results.flatMap(({ request, error }) => (error === undefined ? [] : `${request.organizationId}: ${error}`));

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const countUnprovable = ({ report: { unprovable } }: ReconciliationRun): number => sum(Object.values(unprovable));

/** The fields of the JSON output. */
export const summarize = (results: readonly BackfillResult[]) => {
  const runs = results.flatMap((result) => result.runs);
  const total = (name: 'published' | 'calls' | 'threads' | 'repaired') => sum(runs.map(({ report }) => report[name]));
  const problems = listProblems(results);
  return {
    runs,
    published: total('published'),
    calls: total('calls'),
    threads: total('threads'),
    repaired: total('repaired'),
    unprovable: sum(runs.map(countUnprovable)),
    ...(problems.length > 0 && { error: problems.join(' ') }),
  };
};

const statusColours = {
  complete: colours.green,
  incomplete: colours.yellow,
  running: colours.yellow,
  interrupted: colours.yellow,
  failed: colours.red,
};

const printResults = (results: readonly BackfillResult[], dryRun: boolean): void => {
  const runs = results.flatMap((result) => result.runs);
  printTable(
    runs.map((run) => {
      const { threads, equal, repaired, published, calls, passes } = run.report;
      return {
        organization: run.organizationId,
        from: run.from.slice(0, 19),
        to: run.to.slice(0, 19),
        result: statusColours[run.status](run.status),
        threads,
        equal,
        [dryRun ? 'different' : 'repaired']: repaired,
        unprovable: countUnprovable(run),
        [dryRun ? 'to publish' : 'published']: published,
        calls,
        passes,
      };
    }),
    'No run has begun.',
  );
  for (const run of runs) for (const line of formatDetails(run)) print(line);
  print(colours.dim(notRecoverable));
  for (const problem of listProblems(results)) print(colours.red(printable(problem)));
};

const notRecoverable =
  'Not recoverable: clicks, changed session fields, and transfers, edits, joins and leaves in between. See docs/explanation/reconciliation.md.';

const unprovableTexts: Readonly<Record<UnprovableReason, string>> = {
  invalid: 'the channel lists something that does not match the schema',
  'not found': 'the channel does not return them: they are outside of the access of the token, or removed',
  changing: 'they changed meanwhile; the next run compares them',
  'not stored': 'events were not stored in time; see livechat dead-letters list',
  unreadable: 'the channel returned an error; the next scheduled run retries',
};

const isReason = (name: string): name is UnprovableReason => Object.hasOwn(unprovableTexts, name);

/** The events by type, and the threads that are not proven. */
export const formatDetails = ({ report: { events, unprovable, examples } }: ReconciliationRun): string[] => {
  const byType = Object.entries(events).map(([type, count]) => `${count} ${type}`);
  const reasons = Object.entries(unprovable).flatMap(([reason, count]) => {
    if (!isReason(reason) || count === 0) return [];
    const first = examples
      .filter((one) => one.reason === reason)
      .map(({ conversationId, threadId }) => printable(`${conversationId}/${threadId}`));
    return colours.yellow(`Not proven, ${count} threads: ${unprovableTexts[reason]}. First: ${first.join(', ')}`);
  });
  return [...(byType.length > 0 ? [`Events: ${byType.join(', ')}`] : []), ...reasons];
};

/** The command that continues the runs: with absolute times, because 2 h before now is another period each time. */
const formatCommand = ({ from, to }: Period, { organization, chat, dryRun, stage }: BackfillOptions): string => {
  const options = Object.entries({ since: from, until: to, organization, chat, stage });
  const given = options.flatMap(([name, value]) => (value === undefined ? [] : `--${name} ${value}`));
  return ['livechat backfill', ...given, ...(dryRun ? ['--dry-run'] : [])].join(' ');
};
