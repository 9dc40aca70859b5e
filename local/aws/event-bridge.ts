import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { parseJson } from '../../core/platform/json.ts';
import { type RuleSpec, resolvePattern } from '../../stacks/topology.ts';
import type { InFlight } from '../in-flight.ts';
import type { State } from '../state.ts';
import { accountId, functionArn, queueArn, region, ruleArn, stateMachineArn } from './arn.ts';
import { compilePattern, type Matcher } from './event-pattern.ts';
import type { AwsResources } from './local-aws.ts';
import { AwsError, createService, isRecord, type Operations, paginate, parseInput, unsupported } from './protocol.ts';
import type { OutgoingMessage } from './sqs-s3.ts';

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

export interface EventsOptions extends Pick<AwsResources, 'busName' | 'rules' | 'queues'> {
  /** Invokes a function asynchronously, with retries. */
  startFunction(name: string, event: unknown): void;
  /** Sends to a queue by its name in the topology. */
  send(queue: string, message: OutgoingMessage): Promise<unknown>;
  readonly inFlight: InFlight;
  /** Keeps deliveries until they end. */
  readonly state: State;
  report(message: string): void;
  /** Receives every event on the app's bus. */
  onEvent?(event: Envelope): void;
}

/** AWS's limit since 2026-01-29 (256 KB before, and still in some regions). */
const maxRequestBytes = 1_048_576;

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
  const { busName, startFunction, send, inFlight, state, report, onEvent } = options;
  const rules = createRules(options);
  const pending = state.collection<QueueDelivery>('event deliveries');

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
    const attributes = {
      RULE_ARN: ruleArn(bus, name),
      TARGET_ARN: listedTarget.Arn,
      ERROR_CODE: error instanceof AwsError ? error.type : 'ERROR_FROM_TARGET',
      ERROR_MESSAGE: message,
      RETRY_ATTEMPTS: '0',
    };
    report(`Delivery to the target of the rule ${name} failed; the event is in the dead-letter queue: ${message}`);
    await send('deadLetters', { body: JSON.stringify(event), attributes });
  }

  /** Starts the delivery of an event to the targets of all matching rules. Every delivery is stored when this returns. */
  function deliver(bus: string, event: Envelope): void {
    for (const { name, target } of rules.matching(bus, event)) {
      if ('function' in target) startFunction(target.function, event);
      else {
        const key = randomUUID();
        const delivery = { rule: name, bus, queue: target.queue, event };
        pending.put(key, delivery);
        sendToQueue(key, delivery);
      }
    }
  }

  function sendToQueue(key: string, { rule, bus, queue, event }: QueueDelivery): void {
    const done = inFlight.track();
    send(queue, { body: JSON.stringify(event) })
      .catch((error: unknown) => sendToDeadLetterQueue(rules.get(bus, rule), event, error))
      .catch((error: unknown) => report(`An event for the rule ${rule} is lost: ${error}`))
      .finally(() => {
        pending.delete(key);
        done();
      });
  }

  function publishEntry(entry: Entry, throttled: boolean, replay: string | undefined) {
    try {
      if (throttled) throw new AwsError('ThrottlingException', 'Rate exceeded (injected fault)');
      const envelope = toEnvelope(entry, replay);
      onEvent?.(envelope);
      deliver(busName, envelope);
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

  const service = createService('EventBridge', { PutEvents: putEvents, ...rules.operations });

  return {
    call: service.call,

    /** Publishes events as an archive replay, with `replay-name`. */
    replay: (name: string, input: unknown) => putEvents(input, false, name),

    /** Publishes an event of an AWS service on the default bus. */
    emit: (event: BusEvent): void => deliver(defaultBus, createEnvelope(event)),

    /** Continues the deliveries of an earlier run. */
    resume(): void {
      for (const [key, delivery] of pending.entries()) sendToQueue(key, delivery);
    },
  };
}

/** The delivery of an event to the queue of a rule. The delivery to a function is an asynchronous invocation. */
interface QueueDelivery {
  readonly rule: string;
  readonly bus: string;
  /** By its name in the topology. */
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
function toSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** The target of a rule, by its name in the topology. */
export type Target = { readonly function: string } | { readonly queue: string };

export interface Rule extends Omit<RuleSpec, 'target'> {
  readonly target: Target;
}

/** A rule on its bus, with the state that API calls change. */
interface BusRule {
  readonly name: string;
  readonly bus: string;
  readonly pattern: unknown;
  readonly matches: Matcher;
  readonly target: Target;
  enabled: boolean;
  /** The target in the API's form. Undefined while it is removed; without a dead-letter queue, failed events are lost. */
  listedTarget: ListedTarget | undefined;
}

/** The bus of AWS services' events. */
const defaultBus = 'default';

const onBus = { EventBusName: z.optional(z.string()) };
const listSchema = z.object({ ...onBus, Limit: z.optional(z.number()), NextToken: z.optional(z.string()) });
const ruleSchema = z.object({ Name: z.string(), ...onBus });
const targetsSchema = z.object({ Rule: z.string(), ...onBus });
const removeSchema = z.object({ Rule: z.string(), Ids: z.array(z.string()), ...onBus });
const listedTarget = z.object({
  Id: z.string(),
  Arn: z.string(),
  DeadLetterConfig: z.optional(z.object({ Arn: z.optional(z.string()) })),
});
type ListedTarget = z.output<typeof listedTarget>;
const putSchema = z.object({ Rule: z.string(), Targets: z.array(listedTarget), ...onBus });
const busSchema = z.object({ Name: z.optional(z.string()) });

/** The id of a rule's only target. */
const targetId = 'target';

function targetArn(target: Target, queues: EventsOptions['queues']): string {
  if ('function' in target) return functionArn(target.function);
  return queueArn(queues[target.queue] ?? target.queue);
}

/** The rules of both buses, and EventBridge's calls that read and change them. */
function createRules({ busName, rules: specs, queues }: EventsOptions) {
  const rules = Object.entries(specs).map(([name, rule]): BusRule => {
    const pattern = resolvePattern(rule, { stateMachineArn, alarmName: (name) => name });
    return {
      name,
      bus: rule.bus ?? busName,
      pattern,
      matches: compilePattern(pattern),
      target: rule.target,
      enabled: true,
      listedTarget: {
        Id: targetId,
        Arn: targetArn(rule.target, queues),
        DeadLetterConfig: { Arn: queueArn(queues.deadLetters) },
      },
    };
  });

  function resolveBusName(name = defaultBus): string {
    const short = name.slice(name.lastIndexOf('/') + 1);
    if (short !== busName && short !== defaultBus) {
      throw new AwsError('ResourceNotFoundException', `Event bus ${short} does not exist.`);
    }
    return short;
  }

  function find(name: string, eventBusName: string | undefined): BusRule {
    const bus = resolveBusName(eventBusName);
    const found = rules.find((rule) => rule.name === name && rule.bus === bus);
    if (!found) throw new AwsError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus ${bus}.`);
    return found;
  }

  const view = ({ name, bus, pattern, enabled }: BusRule) => ({
    Name: name,
    Arn: ruleArn(bus, name),
    EventBusName: bus,
    EventPattern: JSON.stringify(pattern),
    State: enabled ? 'ENABLED' : 'DISABLED',
  });

  const setEnabled = (enabled: boolean) => (input: unknown) => {
    const { Name, EventBusName } = parseInput(ruleSchema, input);
    find(Name, EventBusName).enabled = enabled;
    return {};
  };

  const operations: Operations = {
    DescribeEventBus(input) {
      const name = resolveBusName(parseInput(busSchema, input).Name);
      return { Name: name, Arn: `arn:aws:events:${region}:${accountId}:event-bus/${name}` };
    },
    ListRules(input) {
      const { EventBusName, Limit, NextToken } = parseInput(listSchema, input);
      const bus = resolveBusName(EventBusName);
      const found = rules.filter((rule) => rule.bus === bus);
      const page = { maxResults: Limit, nextToken: NextToken };
      const { items, nextToken } = paginate(found, page, (rule) => found.indexOf(rule));
      return { Rules: items.map(view), NextToken: nextToken };
    },
    ListTargetsByRule(input) {
      const { Rule, EventBusName } = parseInput(targetsSchema, input);
      return { Targets: [find(Rule, EventBusName).listedTarget ?? []].flat() };
    },
    /** Restores a rule's own target or changes its dead-letter queue. Other targets are not supported. */
    PutTargets(input) {
      const { Rule, EventBusName, Targets } = parseInput(putSchema, input);
      const rule = find(Rule, EventBusName);
      for (const target of Targets) {
        if (target.Id !== targetId || target.Arn !== targetArn(rule.target, queues)) {
          throw unsupported(`EventBridge PutTargets of ${target.Arn}`);
        }
        rule.listedTarget = target;
      }
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
    RemoveTargets(input) {
      const { Rule, EventBusName, Ids } = parseInput(removeSchema, input);
      const rule = find(Rule, EventBusName);
      if (Ids.includes(targetId)) rule.listedTarget = undefined;
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
    EnableRule: setEnabled(true),
    DisableRule: setEnabled(false),
  };

  return {
    get: (bus: string, name: string): BusRule | undefined =>
      rules.find((rule) => rule.bus === bus && rule.name === name),

    /** The enabled rules with a target that match an event on a bus. */
    matching: (bus: string, event: unknown): readonly BusRule[] =>
      rules.filter((rule) => rule.bus === bus && rule.enabled && rule.listedTarget && rule.matches(event)),
    operations,
  };
}
