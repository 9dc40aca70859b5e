import { type ExecutionStatus, paginateListExecutions, SFNClient } from '@aws-sdk/client-sfn';
import pLimit from 'p-limit';
import { type ExecutionSummary, summarizeExecution } from '../../core/executions/view.ts';
import { required } from '../../core/platform/configuration.ts';
import { describeExecution } from '../../core/platform/step-functions.ts';
import type { Activity } from '../flow.ts';
import { type ChangePoll, maxChangesPerPoll } from './changes.ts';

const pageSize = 100;
/** Long-running executions are checked in every fifth poll: Step Functions allows few such calls a second for the whole account. */
const pollsPerCheck = 5;
const maxDescribed = 100;
const maxConcurrentDescribes = 5;

/** Reports executions of the send state machine as they start and end. */
export function pollExecutions(max = maxChangesPerPoll): ChangePoll {
  const client = new SFNClient({});
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
    const stateMachineArn = required('SEND_MACHINE_ARN');
    const pages = paginateListExecutions({ client, pageSize }, { stateMachineArn, statusFilter });
    for await (const { executions = [], nextToken } of pages) {
      const page = executions.map(summarizeExecution);
      found.push(...page);
      if (isEnough(page)) break;
      if (nextToken && found.length >= max) return { found, more: true };
    }
    return { found, more: false };
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
    const found = await describeExecution(execution.id);
    return found ? summarizeExecution(found) : { ...execution, status: 'SUCCEEDED' };
  }

  return async () => {
    polls += 1;
    const before = running;
    const { found, more } = await list(undefined, (page) => !before || page.some(({ id }) => latest.has(id)));
    const listed = new Set(found.map(({ id }) => id));
    const older = await readEnded([...(before?.values() ?? [])].filter(({ id }) => !listed.has(id)));
    const changes = before
      ? [...found.toReversed(), ...older].flatMap((execution) => executionChanges(execution, before, latest))
      : found.filter((execution) => !hasEnded(execution)).map((execution) => startOf(execution, true));
    const endedIds = new Set([...found, ...older].filter(hasEnded).map(({ id }) => id));
    const now = [...(before?.values() ?? []), ...found].filter(({ id }) => !endedIds.has(id));
    running = new Map(now.map((execution) => [execution.id, execution]));
    latest = listed;
    return { found: changes, sampled: more };
  };
}

const hasEnded = ({ status }: ExecutionSummary): boolean => status !== 'RUNNING';

function executionChanges(
  execution: ExecutionSummary,
  running: ReadonlyMap<string, ExecutionSummary>,
  latest: ReadonlySet<string>,
): Activity[] {
  const isNew = !running.has(execution.id) && !latest.has(execution.id);
  const ends = hasEnded(execution) && (isNew || running.has(execution.id));
  return [...(isNew ? [startOf(execution)] : []), ...(ends ? [endOf(execution)] : [])];
}

function startOf({ name, startDate: at }: ExecutionSummary, startedBefore = false): Activity {
  return { type: 'execution', at, name, status: 'RUNNING', startedBefore };
}

/** The execution starts when the request is accepted, so its duration is about the time to delivery. */
function endOf({ name, status, startDate, stopDate }: ExecutionSummary): Activity {
  const ms = stopDate && { ms: Date.parse(stopDate) - Date.parse(startDate) };
  return { type: 'execution', at: stopDate ?? startDate, name, status, ...ms };
}
