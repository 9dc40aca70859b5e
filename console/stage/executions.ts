import {
  DescribeExecutionCommand,
  ExecutionDoesNotExist,
  type ExecutionStatus,
  ListExecutionsCommand,
  SFNClient,
} from '@aws-sdk/client-sfn';
import pLimit from 'p-limit';
import { required } from '../../core/platform/configuration.ts';
import type { Activity } from '../flow.ts';
import { type ExecutionSummary, summarizeExecution } from '../operations.ts';
import { type ChangePoll, maxChangesPerPoll } from './changes.ts';

const pageSize = 100;
/** Long-running executions are checked in every fifth poll: Step Functions allows few such calls a second for the whole account. */
const pollsPerCheck = 5;
const maxDescribed = 100;
const maxConcurrentDescribes = 5;

/** Reports executions of the send state machine as they start and end. */
export function pollExecutions(max = maxChangesPerPoll): ChangePoll {
  const stepFunctions = new SFNClient({});
  const limit = pLimit(maxConcurrentDescribes);
  let polls = 0;
  /** Executions that had not ended, by ARN. */
  let running: ReadonlyMap<string, ExecutionSummary> | undefined;
  /** ARNs of the latest executions: the next poll reads back to one of them. */
  let latest: ReadonlySet<string> = new Set();

  async function list(
    statusFilter: ExecutionStatus | undefined,
    isEnough: (page: readonly ExecutionSummary[]) => boolean,
  ) {
    const found: ExecutionSummary[] = [];
    let nextToken: string | undefined;
    do {
      const response = await stepFunctions.send(
        new ListExecutionsCommand({
          stateMachineArn: required('SEND_MACHINE_ARN'),
          maxResults: pageSize,
          ...(statusFilter && { statusFilter }),
          ...(nextToken && { nextToken }),
        }),
      );
      const page = (response.executions ?? []).map(summarizeExecution);
      found.push(...page);
      nextToken = isEnough(page) ? undefined : response.nextToken;
    } while (nextToken !== undefined && found.length < max);
    return { found, more: nextToken !== undefined };
  }

  /** Returns the executions that have ended, of those that are no longer among the latest. */
  async function readEnded(older: readonly ExecutionSummary[]): Promise<ExecutionSummary[]> {
    if (older.length === 0 || polls % pollsPerCheck !== 0) return [];
    const { found, more } = await list('RUNNING', () => false);
    if (more) return [];
    const stillRunning = new Set(found.map(({ id }) => id));
    const ended = older.filter(({ id }) => !stillRunning.has(id)).slice(0, maxDescribed);
    return (await Promise.all(ended.map((execution) => limit(() => describe(execution))))).filter(hasEnded);
  }

  async function describe(execution: ExecutionSummary): Promise<ExecutionSummary> {
    try {
      return summarizeExecution(await stepFunctions.send(new DescribeExecutionCommand({ executionArn: execution.id })));
    } catch (error) {
      // Step Functions deletes the history of an execution 90 days after its end.
      if (error instanceof ExecutionDoesNotExist) return { ...execution, status: 'SUCCEEDED' };
      throw error;
    }
  }

  return async () => {
    polls += 1;
    const before = running;
    const { found, more } = await list(undefined, (page) => !before || page.some(({ id }) => latest.has(id)));
    const listed = new Set(found.map(({ id }) => id));
    const older = await readEnded([...(before?.values() ?? [])].filter(({ id }) => !listed.has(id)));
    const changes = before
      ? [...found.toReversed(), ...older].flatMap((execution) => executionChanges(execution, before, latest))
      : alreadyRunning(found);
    const endedIds = new Set([...found, ...older].filter(hasEnded).map(({ id }) => id));
    const now = [...(before?.values() ?? []), ...found].filter(({ id }) => !endedIds.has(id));
    running = new Map(now.map((execution) => [execution.id, execution]));
    latest = listed;
    return { found: changes, sampled: more };
  };
}

const hasEnded = ({ status }: ExecutionSummary): boolean => status !== 'RUNNING';

/** Executions that were running before the console started: their start is not counted, their end is. */
function alreadyRunning(executions: readonly ExecutionSummary[]): Activity[] {
  return executions
    .filter((execution) => !hasEnded(execution))
    .map((execution) => ({ ...executionActivity(execution, 'RUNNING', execution.startDate), startedBefore: true }));
}

function executionChanges(
  execution: ExecutionSummary,
  running: ReadonlyMap<string, ExecutionSummary>,
  latest: ReadonlySet<string>,
): Activity[] {
  const isNew = !running.has(execution.id) && !latest.has(execution.id);
  const ends = hasEnded(execution) && (isNew || running.has(execution.id));
  const { status, startDate, stopDate = startDate } = execution;
  const start = executionActivity(execution, 'RUNNING', startDate);
  const end = { ...executionActivity(execution, status, stopDate), ...executionDuration(execution) };
  return [...(isNew ? [start] : []), ...(ends ? [end] : [])];
}

/** The execution starts when the request is accepted, so its duration is about the time to delivery. */
function executionDuration({ startDate, stopDate }: ExecutionSummary): { ms?: number } {
  return stopDate === undefined ? {} : { ms: Date.parse(stopDate) - Date.parse(startDate) };
}

function executionActivity({ name }: ExecutionSummary, status: string, at: string): Activity {
  return { type: 'execution', at, name, status };
}
