import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { parseJson } from '../../core/platform/json.ts';
import { createStoredWork } from '../stored-work.ts';
import { accountId, region } from './arn.ts';
import { type BusRule, createRules, defaultBus } from './bus-rules.ts';
import type { AwsResources } from './local-aws.ts';
import { AwsError, createService, isRecord, parseInput } from './protocol.ts';
import { createReplays, type ReplayOptions } from './replays.ts';
import { deadLetterAttributes } from './rule-targets.ts';
import { createSubscriberRules, type SubscriberOptions, testEventPattern } from './subscriber-rules.ts';

/** An event as a rule's target receives it. */
export interface Envelope {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
  /** The name of the archive replay that published the event. */
  readonly 'replay-name'?: string;
}

/** An event to publish. */
export type BusEvent = Pick<Envelope, 'source' | 'detail-type' | 'resources' | 'detail'>;

export interface EventsOptions
  extends Pick<AwsResources, 'archive' | 'busName' | 'rules' | 'queues'>,
    SubscriberOptions {
  /** Invokes a function asynchronously, with retries. */
  startFunction(name: string, event: unknown): void;
  /** Receives every event on the app's bus. */
  onEvent?(event: Envelope): void;
  readonly readArchive: ReplayOptions['readArchive'];
}

/** AWS's limit since 2026-01-29 (256 KB before, and still in some regions). */
const maxRequestBytes = 1_048_576;

const maxDetailTypeLength = 128;

const entrySchema = z.object({
  Source: z.optional(z.string()),
  DetailType: z.optional(z.string()),
  Detail: z.optional(z.string()),
  EventBusName: z.optional(z.string()),
  /** Seconds since 1970. */
  Time: z.optional(z.number()),
  Resources: z.optional(z.array(z.string())),
});

const putEventsSchema = z.object({ Entries: z.array(entrySchema).check(z.minLength(1), z.maxLength(10)) });

type Entry = z.output<typeof entrySchema>;

/** EventBridge with the app's bus and the default bus: PutEvents, rules and targets. */
export function createEvents(options: EventsOptions) {
  const { busName, queues, startFunction, inFlight, state, report, onEvent } = options;
  const subscribers = createSubscriberRules(options);
  const rules = createRules(options, subscribers);
  const replays = createReplays({
    ...options,
    findRule: rules.find,
    publish: (event, ruleNames) => publish(createEnvelope({ resources: [], ...event }), ruleNames),
  });
  const deliveries = createStoredWork<QueueDelivery>({
    state,
    name: 'event deliveries',
    inFlight,
    run: deliverToQueue,
    onError: ({ rule }, error) => report(`Lost an event for the rule ${rule}: ${error}`),
  });

  /** @throws AwsError */
  function toEnvelope(entry: Entry, replay: string | undefined): Envelope {
    const missing = (['Source', 'DetailType', 'Detail'] as const).find((field) => !entry[field]);
    if (missing) {
      throw new AwsError(
        'InvalidArgument',
        `Parameter ${missing} is not valid. Reason: ${missing} is a required argument.`,
      );
    }
    const { Source = '', DetailType = '', Detail = '', EventBusName = 'default', Time, Resources = [] } = entry;
    if (DetailType.length > maxDetailTypeLength) {
      throw new AwsError(
        'InvalidArgument',
        `Parameter DetailType is not valid. Reason: the maximum is ${maxDetailTypeLength} characters.`,
      );
    }
    if (EventBusName !== busName && !EventBusName.endsWith(`:event-bus/${busName}`)) {
      throw new AwsError('ResourceNotFoundException', `Event bus ${EventBusName} does not exist.`);
    }
    if (Source.startsWith('aws.')) {
      throw new AwsError('NotAuthorizedForSourceException', 'Not authorized for the source.');
    }
    const detail = parseJson(Detail);
    if (!isRecord(detail)) throw new AwsError('MalformedDetail', 'Detail is malformed.');
    return {
      ...createEnvelope({ source: Source, 'detail-type': DetailType, resources: Resources, detail }),
      ...(Time !== undefined && { time: toSeconds(new Date(Time * 1_000)) }),
      ...(replay !== undefined && { 'replay-name': replay }),
    };
  }

  /** Sends a failed event to the dead-letter queue with the reason in its attributes. AWS retries for 24 h before. */
  async function sendToDeadLetterQueue(rule: BusRule | undefined, event: Envelope, error: unknown) {
    if (rule?.listedTarget?.DeadLetterConfig?.Arn === undefined) throw error;
    const { name, bus, listedTarget } = rule;
    const message = error instanceof Error ? error.message : String(error);
    const code = error instanceof AwsError ? error.type : 'ERROR_FROM_TARGET';
    const attributes = deadLetterAttributes({ bus, name }, listedTarget.Arn, { code, message }, 0);
    report(`Delivery to the target of the rule ${name} failed; the event is in the dead-letter queue: ${message}`);
    await options.sendToQueue(queues.deadLetters, { body: JSON.stringify(event), attributes });
  }

  /**
   * Starts the delivery of an event to the targets of all matching rules, or of those in `ruleNames`. Every delivery is stored when
   * this returns.
   */
  function deliver(bus: string, event: Envelope, ruleNames?: ReadonlySet<string>): void {
    for (const { name, target } of rules.matching(bus, event)) {
      if (ruleNames?.has(name) === false) continue;
      if ('function' in target) startFunction(target.function, event);
      else deliveries.add({ rule: name, bus, queue: target.queue, event });
    }
    subscribers.deliver(bus, event, ruleNames);
  }

  function publish(event: Envelope, ruleNames?: ReadonlySet<string>): void {
    onEvent?.(event);
    deliver(busName, event, ruleNames);
  }

  async function deliverToQueue({ rule, bus, queue, event }: QueueDelivery): Promise<void> {
    await options.sendToQueue(queues[queue] ?? queue, { body: JSON.stringify(event) }).catch((error: unknown) => {
      if (!deliveries.signal.aborted) return sendToDeadLetterQueue(rules.findOwn(bus, rule), event, error);
    });
  }

  function publishEntry(entry: Entry, throttled: boolean, replay: string | undefined) {
    try {
      if (throttled) throw new AwsError('ThrottlingException', 'Rate exceeded (injected fault)');
      const envelope = toEnvelope(entry, replay);
      publish(envelope);
      return { EventId: envelope.id };
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      return { ErrorCode: error.type, ErrorMessage: error.message };
    }
  }

  /** With `partial`, the second half of the entries (at least one) is throttled. */
  function putEvents(input: unknown, partial: boolean, replay?: string) {
    const entries = parseInput(putEventsSchema, input).Entries;
    if (entries.reduce((sum, entry) => sum + entrySize(entry), 0) > maxRequestBytes) {
      throw new AwsError('ValidationException', 'Total size of the entries in the request is over the limit.');
    }
    const accepted = partial ? Math.floor(entries.length / 2) : entries.length;
    const publish = (entry: Entry, index: number) => publishEntry(entry, index >= accepted, replay);
    const results = state.transaction(() => entries.map(publish));
    return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results };
  }

  const service = createService('EventBridge', {
    PutEvents: putEvents,
    TestEventPattern: testEventPattern,
    ...rules.operations,
    ...subscribers.operations,
    ...replays.operations,
  });

  return {
    ...service,
    stop(): void {
      deliveries.stop();
      subscribers.stop();
      replays.stop();
    },

    /** Publishes events as an archive replay, with `replay-name`. */
    replay: (name: string, input: unknown) => putEvents(input, false, name),

    /** Publishes an event of an AWS service on the default bus. */
    emit: (event: BusEvent): void => deliver(defaultBus, createEnvelope(event)),

    /** Continues the deliveries of an earlier run. */
    resume(): void {
      deliveries.resume();
      subscribers.resume();
      replays.resume();
    },
  };
}

/** The delivery of an event to the queue of a rule. Events for functions are asynchronous invocations instead. */
interface QueueDelivery {
  readonly rule: string;
  readonly bus: string;
  /** The name of the queue in the topology. */
  readonly queue: string;
  readonly event: Envelope;
}

/** An event that occurs now. */
function createEnvelope(event: BusEvent): Envelope {
  return { version: '0', id: randomUUID(), account: accountId, time: toSeconds(new Date()), region, ...event };
}

/** An entry's size by AWS's formula, in bytes. */
function entrySize({ Source = '', DetailType = '', Detail = '', Time, Resources = [] }: Entry): number {
  const texts = [Source, DetailType, Detail, ...Resources];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), Time === undefined ? 0 : 14);
}

/** EventBridge's times have a resolution of one second. */
export function toSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
