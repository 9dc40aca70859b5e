import {
  DescribeExecutionCommand,
  ExecutionDoesNotExist,
  type ExecutionStatus,
  ListExecutionsCommand,
  SFNClient,
} from '@aws-sdk/client-sfn';
import pLimit from 'p-limit';
import { required } from '../../core/platform/configuration.ts';
import type { Activity } from '../live-stream.ts';
import { summaryOf } from '../operations.ts';
import type { ExecutionSummary } from '../responses.ts';
import { mostInALook, type Watch } from './poll.ts';

const pageSize = 100;
/** Those that wait for long are asked after now and then: Step Functions answers a few such calls a second, for the whole account. */
const looksBetween = 5;
const mostDescribed = 100;
const describedAtOnce = 5;

/** Runs of the send machine as they start and end, from the latest back to those that were known. */
export function watchRuns(most = mostInALook): Watch {
  const stepFunctions = new SFNClient({});
  const limit = pLimit(describedAtOnce);
  let looks = 0;
  /** Those that had not ended, by ARN. */
  let running: ReadonlyMap<string, ExecutionSummary> | undefined;
  /** All of the latest, by ARN: where the next look may stop. */
  let latest: ReadonlySet<string> = new Set();

  async function list(
    statusFilter: ExecutionStatus | undefined,
    enough: (page: readonly ExecutionSummary[]) => boolean,
  ) {
    const found: ExecutionSummary[] = [];
    let nextToken: string | undefined;
    do {
      const answer = await stepFunctions.send(
        new ListExecutionsCommand({
          stateMachineArn: required('SEND_MACHINE_ARN', 'the ARN of the send state machine'),
          maxResults: pageSize,
          ...(statusFilter && { statusFilter }),
          ...(nextToken && { nextToken }),
        }),
      );
      const page = (answer.executions ?? []).map(summaryOf);
      found.push(...page);
      nextToken = enough(page) ? undefined : answer.nextToken;
    } while (nextToken !== undefined && found.length < most);
    return { found, more: nextToken !== undefined };
  }

  /** What has become of runs that are too old to be among the latest. */
  async function ended(older: readonly ExecutionSummary[]): Promise<ExecutionSummary[]> {
    if (older.length === 0 || looks % looksBetween !== 0) return [];
    const { found, more } = await list('RUNNING', () => false);
    if (more) return [];
    const still = new Set(found.map(({ id }) => id));
    const gone = older.filter(({ id }) => !still.has(id)).slice(0, mostDescribed);
    return (await Promise.all(gone.map((run) => limit(() => describe(run))))).filter(hasEnded);
  }

  async function describe(run: ExecutionSummary): Promise<ExecutionSummary> {
    try {
      return summaryOf(await stepFunctions.send(new DescribeExecutionCommand({ executionArn: run.id })));
    } catch (error) {
      // Step Functions forgets a run 90 days after its end.
      if (error instanceof ExecutionDoesNotExist) return { ...run, status: 'SUCCEEDED' };
      throw error;
    }
  }

  return async () => {
    looks += 1;
    const before = running;
    const { found, more } = await list(undefined, (page) => !before || page.some(({ id }) => latest.has(id)));
    const here = new Set(found.map(({ id }) => id));
    const older = await ended([...(before?.values() ?? [])].filter(({ id }) => !here.has(id)));
    const told = before
      ? [...found.toReversed(), ...older].flatMap((run) => changeOf(run, before, latest))
      : beginning(found);
    const gone = new Set([...found, ...older].filter(hasEnded).map(({ id }) => id));
    const now = [...(before?.values() ?? []), ...found].filter(({ id }) => !gone.has(id));
    running = new Map(now.map((run) => [run.id, run]));
    latest = here;
    return { found: told, sampled: more };
  };
}

const hasEnded = ({ status }: ExecutionSummary): boolean => status !== 'RUNNING';

/** Those under way when the console began: they are no news, but will end. */
function beginning(runs: readonly ExecutionSummary[]): Activity[] {
  return runs
    .filter((run) => !hasEnded(run))
    .map((run) => ({ ...activityOf(run, 'RUNNING', run.startDate), before: true }));
}

function changeOf(
  run: ExecutionSummary,
  running: ReadonlyMap<string, ExecutionSummary>,
  latest: ReadonlySet<string>,
): Activity[] {
  const isNew = !running.has(run.id) && !latest.has(run.id);
  const ends = hasEnded(run) && (isNew || running.has(run.id));
  return [
    ...(isNew ? [activityOf(run, 'RUNNING', run.startDate)] : []),
    ...(ends ? [{ ...activityOf(run, run.status, run.stopDate ?? run.startDate), ...durationOf(run) }] : []),
  ];
}

/** A run begins as its request is put on the bus. */
function durationOf({ startDate, stopDate }: ExecutionSummary): { ms?: number } {
  return stopDate === undefined ? {} : { ms: Date.parse(stopDate) - Date.parse(startDate) };
}

function activityOf({ name }: ExecutionSummary, status: string, at: string): Activity {
  return { type: 'execution', at, name, status };
}
