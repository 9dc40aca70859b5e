import { setImmediate as nextTurn } from 'node:timers/promises';
import * as z from 'zod/mini';
import type { InFlight } from '../in-flight.ts';
import type { State } from '../state.ts';
import { accountId, busArn, region, ruleArn } from './arn.ts';
import type { Envelope } from './event-bridge.ts';
import { compilePattern } from './event-pattern.ts';
import { AwsError, eventName, type Operations, parseInput } from './protocol.ts';

/** The archive of the topology. */
export interface ArchiveResource {
  readonly name: string;
  readonly pattern: object;
  readonly retentionDays: number;
}

/** An event as the archive stores it. */
export type ArchivedEvent = Pick<Envelope, 'id' | 'source' | 'detail-type' | 'detail' | 'time'>;

export interface ReplayOptions {
  readonly archive: ArchiveResource;
  readonly busName: string;
  readonly state: State;
  readonly inFlight: InFlight;
  /** The events of a period, oldest first. The times are in milliseconds since 1970. */
  readArchive(from: number, to: number): readonly ArchivedEvent[];
  /** @throws AwsError if the rule does not exist */
  findRule(name: string, bus: string): unknown;
  /** Delivers an event to these rules, or to all if none are given. */
  publish(event: ArchivedEvent & Pick<Envelope, 'replay-name'>, rules?: ReadonlySet<string>): void;
}

const startSchema = z.object({
  ReplayName: eventName,
  Description: z.optional(z.string().check(z.maxLength(512))),
  EventSourceArn: z.string(),
  /** Seconds since 1970. */
  EventStartTime: z.number(),
  EventEndTime: z.number(),
  Destination: z.object({ Arn: z.string(), FilterArns: z.optional(z.array(z.string())) }),
});
const replaySchema = z.object({ ReplayName: z.string() });
const archiveSchema = z.object({ ArchiveName: z.string() });
const archivesSchema = z.object({ NamePrefix: z.optional(z.string()), EventSourceArn: z.optional(z.string()) });

/** A replay as DescribeReplay returns it, except its ARN. */
interface Replay extends z.output<typeof startSchema> {
  readonly State: 'STARTING' | 'RUNNING' | 'COMPLETED';
  readonly ReplayStartTime: number;
  readonly ReplayEndTime?: number;
  readonly EventLastReplayedTime?: number;
}

const nowSeconds = () => Date.now() / 1_000;
const replayArn = (name: string) => `arn:aws:events:${region}:${accountId}:replay/${name}`;

/** The archive of the app's bus, and replays of its events. */
export function createReplays({ archive, busName, state, inFlight, ...options }: ReplayOptions) {
  const replays = state.collection<Replay>('replays');
  // Read before the first replay starts: `resume` must not start that one a second time.
  const interrupted = replays.entries();
  const archiveArn = `arn:aws:events:${region}:${accountId}:archive/${archive.name}`;
  const isArchived = compilePattern(archive.pattern);
  let stopped = false;

  const summary = {
    ArchiveName: archive.name,
    EventSourceArn: busArn(busName),
    State: 'ENABLED',
    RetentionDays: archive.retentionDays,
  };

  /** @throws AwsError */
  function checkDestination({ Arn, FilterArns = [] }: Replay['Destination']): void {
    if (!/^arn:aws:events:[\w-]+:\d+:event-bus\//.test(Arn)) {
      throw invalid('Destination.Arn', 'Must contain an event bus ARN.');
    }
    if (Arn !== busArn(busName)) throw invalid('Destination.Arn', 'Cross event bus replay is not permitted.');
    for (const arn of FilterArns) {
      const name = ruleName(arn);
      if (arn !== ruleArn(busName, name)) throw notFound(`Rule ${arn} does not exist on EventBus ${busName}.`);
      options.findRule(name, busName);
    }
  }

  /** @throws AwsError */
  function check({ ReplayName, EventSourceArn, EventStartTime, EventEndTime, Destination }: Replay): void {
    if (EventSourceArn !== archiveArn) {
      const name = EventSourceArn.slice(EventSourceArn.lastIndexOf('/') + 1);
      throw invalid('EventSourceArn', `Archive ${name} does not exist.`);
    }
    checkDestination(Destination);
    if (EventEndTime <= EventStartTime) {
      throw invalid('EventEndTime', 'EventStartTime must be before EventEndTime.');
    }
    if (replays.get(ReplayName)) {
      throw new AwsError('ResourceAlreadyExistsException', `Replay ${ReplayName} already exists.`);
    }
  }

  async function run(started: Replay): Promise<void> {
    const done = inFlight.track();
    const { ReplayName, EventStartTime, EventEndTime, Destination } = started;
    const rules = Destination.FilterArns && new Set(Destination.FilterArns.map(ruleName));
    let replay: Replay = { ...started, State: 'RUNNING' };
    await nextTurn();
    const events = stopped ? [] : options.readArchive(EventStartTime * 1_000, EventEndTime * 1_000);
    for (const event of events) {
      if (stopped) break;
      if (!isArchived(event)) continue;
      replay = { ...replay, EventLastReplayedTime: Date.parse(event.time) / 1_000 };
      state.transaction(() => {
        replays.put(ReplayName, replay);
        options.publish({ ...event, 'replay-name': ReplayName }, rules);
      });
      await nextTurn();
    }
    if (!stopped) replays.put(ReplayName, { ...replay, State: 'COMPLETED', ReplayEndTime: nowSeconds() });
    done();
  }

  const operations: Operations = {
    DescribeArchive(input) {
      const { ArchiveName } = parseInput(archiveSchema, input);
      if (ArchiveName !== archive.name) throw notFound(`Archive ${ArchiveName} does not exist.`);
      return { ...summary, ArchiveArn: archiveArn, EventPattern: JSON.stringify(archive.pattern) };
    },
    ListArchives(input) {
      const { NamePrefix = '', EventSourceArn = summary.EventSourceArn } = parseInput(archivesSchema, input);
      const isListed = archive.name.startsWith(NamePrefix) && EventSourceArn === summary.EventSourceArn;
      return { Archives: isListed ? [summary] : [] };
    },
    StartReplay(input) {
      const replay = { ...parseInput(startSchema, input), State: 'STARTING', ReplayStartTime: nowSeconds() } as const;
      check(replay);
      replays.put(replay.ReplayName, replay);
      void run(replay);
      return { ReplayArn: replayArn(replay.ReplayName), State: replay.State, ReplayStartTime: replay.ReplayStartTime };
    },
    DescribeReplay(input) {
      const { ReplayName } = parseInput(replaySchema, input);
      const replay = replays.get(ReplayName);
      if (!replay) throw notFound(`Replay ${ReplayName} does not exist.`);
      return { ...replay, ReplayArn: replayArn(ReplayName) };
    },
  };

  return {
    operations,

    /** Restarts the replays that an earlier run did not complete. */
    resume(): void {
      for (const [, replay] of interrupted) if (replay.State !== 'COMPLETED') void run(replay);
    },

    stop(): void {
      stopped = true;
    },
  };
}

const ruleName = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1);

function invalid(parameter: string, reason: string): AwsError {
  return new AwsError('ValidationException', `Parameter ${parameter} is not valid. Reason: ${reason}`);
}

function notFound(message: string): AwsError {
  return new AwsError('ResourceNotFoundException', message);
}
