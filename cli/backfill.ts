import { readRateLimit } from '../core/channel/rate-limit-store.ts';
import { type BackfillRequest, backfill, type Progress } from '../core/reconciliation/reconcile.ts';
import type { ReconciliationRun, UnprovableReason } from '../core/reconciliation/report.ts';
import type { Period } from '../core/reconciliation/source.ts';
import { chooseOrganizationOfChat, chooseOrganizations } from './bridge.ts';
import type { BackfillOptions } from './commands/backfill.ts';
import { exitCodes, UsageError } from './errors.ts';
import { colours, print, printable, printJson, printTable } from './output.ts';
import { type Activity, confirm, withActivity } from './prompts.ts';

/** Reconciles a period of one organization or of all, one after the other. */
export const runBackfill = async (period: Period, options: BackfillOptions): Promise<void> => {
  const { json, dryRun = false, chat: conversationId } = options;
  const organizationIds = await findOrganizations(options);
  const requests = organizationIds.map((organizationId) => ({ organizationId, ...period, conversationId }));
  if (!json) printPlan(requests, dryRun);
  if (!dryRun) await confirm('Read these chats from LiveChat, and publish what is missing?', options);
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  const results = await withActivity(async (activity) => {
    const ended: BackfillResult[] = [];
    for (const request of requests) {
      ended.push(await reconcile(request, dryRun, interrupt.signal, activity));
      if (interrupt.signal.aborted) break;
    }
    return ended;
  });
  const ok = results.length === requests.length && results.every((one) => findProblem(one, dryRun) === undefined);
  if (!ok) process.exitCode = interrupt.signal.aborted ? exitCodes.interrupted : exitCodes.failure;
  if (json) return printJson({ ok, ...(dryRun && { dryRun }), ...summarize(results, dryRun) });
  printResults(results, dryRun);
  if (!ok) return print(`To continue: ${formatCommand(period, options)}`);
  print(dryRun ? 'Nothing was published.' : colours.green('Complete: the last pass found no difference.'));
};

const findOrganizations = async ({ chat, organization }: BackfillOptions): Promise<readonly string[]> => {
  const known = await chooseOrganizations(organization);
  // The local engine's. Nothing is stored yet if every webhook was lost.
  const { LIVECHAT_ORGANIZATION_ID: simulated } = process.env;
  if (known.length === 0 && simulated !== undefined) return [simulated];
  if (chat !== undefined) return [await chooseOrganizationOfChat(chat, organization)];
  if (known.length > 0) return known;
  throw new UsageError('--organization is required: no organization has a conversation yet.');
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
  /** Undefined if no run could begin. */
  readonly run?: ReconciliationRun;
  /** Why it did not complete, and what to do. */
  readonly error?: string;
}

/** An organization that cannot be reconciled does not stop the others. */
const reconcile = async (
  request: BackfillRequest,
  dryRun: boolean,
  signal: AbortSignal,
  { show, say }: Activity,
): Promise<BackfillResult> => {
  const blocked = await describeBlock(request.organizationId);
  if (blocked !== undefined) return { request, error: blocked };
  const log = { debug() {}, info() {}, warn: say, error: say };
  try {
    const run = await backfill(request, {
      ...{ dryRun, signal, log },
      onProgress: (progress) => show(formatProgress(progress)),
      onWait: (until) => show(`Another run is in progress. Waiting for it until ${until.slice(11, 19)} UTC at most`),
    });
    return { request, run, ...(run.error && { error: await describeError(run.error, request) }) };
  } catch (error) {
    if (signal.aborted) return { request };
    if (!(error instanceof Error) || !isExpected(error)) throw error;
    return { request, error: await describeError(error, request) };
  }
};

/** The errors of one organization: of its channel, its credentials or its rate limit. */
const isExpected = (error: Error): boolean =>
  'category' in error || ['ConfigurationError', 'Deferred'].includes(error.name);

const describeError = async (
  { name, message }: { readonly name: string; readonly message: string },
  { organizationId }: BackfillRequest,
): Promise<string> => {
  // The message of this one is for the state machine.
  if (name !== 'Deferred') return message;
  return (await describeBlock(organizationId)) ?? 'LiveChat allows no call now: its rate limit is used up. Try again.';
};

/** Why an organization's calls are blocked, and what to do. Undefined if they are not. */
const describeBlock = async (organizationId: string): Promise<string | undefined> => {
  const { paused, breaker, reason, openUntil } = await readRateLimit(organizationId, Date.now());
  const resume = `livechat limits resume --organization ${organizationId}`;
  if (paused) return `The organization is paused. Resume it first: ${resume}`;
  if (breaker !== 'open') return undefined;
  return `The circuit breaker is open (${reason || 'failures'}). Try again after ${openUntil?.slice(0, 19)}; if LiveChat works again, close it: ${resume}`;
};

export const formatProgress = ({ phase, pass, run: { report } }: Progress): string =>
  `Pass ${pass}, ${phase}: ${report.threads} threads, ${report.published} events, ${report.calls} calls`;

/** Why a result is not complete. Undefined if it is. A dry run is one pass, with or without differences. */
const findProblem = ({ run, error }: BackfillResult, dryRun: boolean): string | undefined => {
  if (error !== undefined) return error;
  if (run?.status === 'complete' || (dryRun && run?.status === 'incomplete')) return undefined;
  return run?.status === 'incomplete' ? 'The last pass still found differences.' : 'Interrupted.';
};

const listProblems = (results: readonly BackfillResult[], dryRun: boolean): string[] =>
  results.flatMap((result) => {
    const problem = findProblem(result, dryRun);
    return problem === undefined ? [] : `${result.request.organizationId}: ${problem}`;
  });

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const countUnprovable = ({ report: { unprovable } }: ReconciliationRun): number => sum(Object.values(unprovable));

/** The fields of the JSON output. */
export const summarize = (results: readonly BackfillResult[], dryRun: boolean) => {
  const runs = results.flatMap(({ run }) => run ?? []);
  const total = (name: 'published' | 'calls' | 'threads' | 'repaired') => sum(runs.map(({ report }) => report[name]));
  const problems = listProblems(results, dryRun);
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
  printTable(
    results.flatMap(({ run }) => {
      if (!run) return [];
      const { threads, equal, repaired, published, calls, passes } = run.report;
      return {
        organization: run.organizationId,
        result: dryRun ? 'dry run' : statusColours[run.status](run.status),
        threads,
        equal,
        [dryRun ? 'different' : 'repaired']: repaired,
        unprovable: countUnprovable(run),
        [dryRun ? 'events to publish' : 'published']: published,
        calls,
        passes,
      };
    }),
    'No run has begun.',
  );
  for (const { run } of results) if (run) for (const line of formatDetails(run)) print(line);
  print(colours.dim(notRecoverable));
  for (const problem of listProblems(results, dryRun)) print(colours.red(printable(problem)));
};

const notRecoverable =
  'Not recoverable: clicks, changed session fields, and transfers, edits, joins and leaves in between. See docs/explanation/reconciliation.md.';

const unprovableTexts: Readonly<Record<UnprovableReason, string>> = {
  invalid: 'LiveChat lists something that does not match the schema',
  'not found': 'LiveChat does not return them: they are outside of the access of the token, or removed',
  changing: 'they changed meanwhile; the next run compares them',
  'not stored': 'events were not stored in time; see livechat dead-letters list',
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
