import { randomUUID } from 'node:crypto';
import {
  DescribeArchiveCommand,
  DescribeReplayCommand,
  EventBridgeClient,
  LimitExceededException,
  ResourceNotFoundException,
  StartReplayCommand,
} from '@aws-sdk/client-eventbridge';
import { resourcePrefix } from '../../core/platform/configuration.ts';
import { archive, type FunctionSpec, functions } from '../../stacks/topology.ts';
import {
  type EventEntry,
  EventsUnavailable,
  type FunctionRun,
  nonIdempotentEvents,
  type RecordedEntry,
  type ReplayPeriod,
  type ReplayPlan,
  type ReplayStatus,
} from '../event-source.ts';

/** The clocks of the functions and of EventBridge differ, and EventBridge's times are in whole seconds. */
const marginMs = 2_000;
/** The time from the publication of an event to its first invocation, if the logs do not contain the publication. */
const assumedLatencyMs = 60_000;
/** AWS recommends this delay, because events reach the archive with a delay. */
const archiveDelayMs = 600_000;
const dayMs = 86_400_000;

const limitExceeded =
  'EventBridge allows ten concurrent replays per account and region. Try again after a replay completes.';
const permissions =
  'The console requires the permissions events:DescribeArchive, events:StartReplay and events:DescribeReplay';

/**
 * Replays from the archive of a stage. EventBridge cannot replay a single event, so a replay covers the few seconds in which the
 * event was published, and only the rules of the bridge's own functions that handle its type and accept replays.
 */
export function createStageReplays(now: () => number) {
  const client = new EventBridgeClient({});
  const archiveName = `${resourcePrefix()}${archive.name}`;

  async function plan(selected: RecordedEntry, related: readonly RecordedEntry[]): Promise<ReplayPlan> {
    const { entry } = selected;
    const events = entry.kind === 'event' ? [entry] : related.map((one) => one.entry).filter(isPublishedByWebhook);
    const period = findPeriod(selected, related, findFunctions(new Set(events.map(({ type }) => type))));
    const obstacle = findObstacle(selected, events, period);
    return obstacle === undefined ? planArchiveReplay(events, period) : { obstacle };
  }

  function findObstacle({ entry }: RecordedEntry, events: readonly EventEntry[], { to, functions }: ReplayPeriod) {
    if (events.length === 0) return 'the logs contain no event that this webhook published';
    if (entry.type === 'message.send.requested')
      return 'send requests are not archived, so that a replay never sends a message to a customer';
    const reason = nonIdempotentEvents.get(entry.type);
    if (reason) return reason;
    if (functions.length === 0)
      return `no function of the bridge accepts replays of ${events.map(({ type }) => type).join(', ')}`;
    const archivedAt = Date.parse(to) + archiveDelayMs;
    if (archivedAt <= now()) return undefined;
    return `events can take up to ten minutes to reach the archive. Try again at ${new Date(archivedAt).toISOString()}`;
  }

  async function planArchiveReplay(events: readonly EventEntry[], period: ReplayPeriod): Promise<ReplayPlan> {
    const found = await client
      .send(new DescribeArchiveCommand({ ArchiveName: archiveName }))
      .catch(describeArchiveError);
    if (typeof found === 'string') return { obstacle: found };
    const { ArchiveArn, EventSourceArn: busArn = '', RetentionDays = 0 } = found;
    // 0: without a limit.
    if (RetentionDays > 0 && Date.parse(period.from) < now() - RetentionDays * dayMs)
      return { obstacle: `the archive keeps events for ${RetentionDays} days` };
    const rulePrefix = `${busArn.replace(':event-bus/', ':rule/')}/${resourcePrefix()}`;
    return {
      period,
      async start() {
        const at = new Date(now()).toISOString().slice(0, 19).replace(/[-:]/g, '');
        const name = `${resourcePrefix()}${at}-${randomUUID().slice(0, 4)}`;
        const command = new StartReplayCommand({
          ReplayName: name,
          EventSourceArn: ArchiveArn,
          EventStartTime: new Date(period.from),
          EventEndTime: new Date(period.to),
          Destination: { Arn: busArn, FilterArns: period.functions.map((rule) => `${rulePrefix}${rule}`) },
        });
        await client.send(command).catch(rethrowAs('The replay cannot be started'));
        return { name, eventIds: events.flatMap(({ eventId }) => eventId ?? []) };
      },
    };
  }

  function describeArchiveError(error: unknown): string {
    if (error instanceof ResourceNotFoundException) return `the archive "${archiveName}" does not exist`;
    if (!isAwsError(error)) throw error;
    return `the archive cannot be read (${error.name}). ${permissions}`;
  }

  async function find(name: string): Promise<ReplayStatus | undefined> {
    try {
      const { State = '', StateReason } = await client.send(new DescribeReplayCommand({ ReplayName: name }));
      return { name, state: State, reason: StateReason };
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      return rethrowAs('The state of the replay cannot be read')(error);
    }
  }

  return { plan, find };
}

const isAwsError = (error: unknown): error is Error => error instanceof Error && '$metadata' in error;

function rethrowAs(problem: string): (cause: unknown) => never {
  return (cause) => {
    if (!isAwsError(cause)) throw cause;
    const { name, message } = cause;
    if (cause instanceof LimitExceededException) throw new EventsUnavailable(limitExceeded, { cause });
    const reason = name === 'AccessDeniedException' ? `${permissions}.` : message;
    throw new EventsUnavailable(`${problem} (${name}). ${reason}`, { cause });
  };
}

const isPublishedByWebhook = ({ kind, causationId }: EventEntry) => kind === 'event' && causationId === undefined;

/** The functions whose rules accept replayed events of these types. A rule has the name of its function. */
function findFunctions(types: ReadonlySet<unknown>): string[] {
  return Object.entries<FunctionSpec>(functions).flatMap(([name, { events }]) =>
    events && !events['replay-name'] && events['detail-type']?.some((type) => types.has(type)) ? name : [],
  );
}

/** The period in which the events were published: while their publisher ran, and before the first invocation. */
function findPeriod(selected: RecordedEntry, related: readonly RecordedEntry[], functions: string[]): ReplayPeriod {
  const { entry } = selected;
  const [first] = selected.functions.map(toRun);
  const invokedAt = first?.start ?? Date.parse(entry.at);
  const isPublisher = (one: EventEntry) =>
    entry.causationId === undefined ? one.kind === 'webhook' : one.eventId === entry.causationId;
  const publisher =
    entry.kind === 'webhook'
      ? first
      : related
          .flatMap((one) => (isPublisher(one.entry) ? one.functions.map(toRun) : []))
          // LiveChat may have sent the webhook again after the first invocation.
          .filter(({ start }) => start <= invokedAt)
          .toSorted((a, b) => a.start - b.start)
          .at(-1);
  const start = publisher?.start ?? invokedAt - assumedLatencyMs;
  const end = entry.kind === 'webhook' ? Date.parse(entry.at) : Math.min(publisher?.end ?? invokedAt, invokedAt);
  return {
    from: new Date(Math.floor((start - marginMs) / 1_000) * 1_000).toISOString(),
    to: new Date(Math.ceil((end + marginMs) / 1_000) * 1_000).toISOString(),
    isEstimated: publisher === undefined,
    functions,
  };
}

function toRun({ at, ms = 0 }: FunctionRun) {
  const end = Date.parse(at);
  return { start: end - ms, end };
}
