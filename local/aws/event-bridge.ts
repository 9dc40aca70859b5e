import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { parseJson } from '../../core/platform/json.ts';
import { type RuleSpec, resolvePattern } from '../../stacks/topology.ts';
import { accountId, functionArn, queueArn, region, stateMachineArn } from './arn.ts';
import { compilePattern, type Matcher } from './event-pattern.ts';
import type { AwsResources } from './local-aws.ts';
import { AwsError, createService, isRecord, type Operations, pageFields, paginate, parseInput } from './protocol.ts';
import { deadLetterAttributes, viewRule } from './rule-targets.ts';
import {
  createSubscriberRules,
  type SubscriberOptions,
  type SubscriberRule,
  type SubscriberRules,
  testEventPattern,
} from './subscriber-rules.ts';

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

export interface EventsOptions extends Pick<AwsResources, 'busName' | 'rules' | 'queues'>, SubscriberOptions {
  /** Invokes a function asynchronously, with retries. */
  startFunction(name: string, event: unknown): void;
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
  const { busName, queues, startFunction, inFlight, state, report, onEvent } = options;
  const subscribers = createSubscriberRules(options);
  const rules = createRules(options, subscribers);
  const pending = state.collection<QueueDelivery>('event deliveries');
  // Read before the first delivery starts: `resume` must not start that one a second time.
  const earlier = pending.entries();
  let stopped = false;

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
    const code = error instanceof AwsError ? error.type : 'ERROR_FROM_TARGET';
    const attributes = deadLetterAttributes({ bus, name }, listedTarget.Arn, { code, message }, 0);
    report(`Delivery to the target of the rule ${name} failed; the event is in the dead-letter queue: ${message}`);
    await options.sendToQueue(queues.deadLetters, { body: JSON.stringify(event), attributes });
  }

  /** Starts the delivery of an event to the targets of all matching rules. Every delivery is stored when this returns. */
  function deliver(bus: string, event: Envelope): void {
    for (const { name, target } of rules.matching(bus, event)) {
      if ('function' in target) startFunction(target.function, event);
      else {
        const key = randomUUID();
        const delivery = { rule: name, bus, queue: target.queue, event };
        pending.put(key, delivery);
        void deliverToQueue(key, delivery);
      }
    }
    subscribers.deliver(bus, event);
  }

  /** A delivery that is interrupted by a stop remains stored, and `resume` repeats it. */
  async function deliverToQueue(key: string, { rule, bus, queue, event }: QueueDelivery): Promise<void> {
    const done = inFlight.track();
    try {
      await options.sendToQueue(queues[queue] ?? queue, { body: JSON.stringify(event) }).catch((error: unknown) => {
        if (!stopped) return sendToDeadLetterQueue(rules.findOwn(bus, rule), event, error);
      });
    } catch (error) {
      if (!stopped) report(`An event for the rule ${rule} is lost: ${error}`);
    }
    if (!stopped) pending.delete(key);
    done();
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

  const service = createService('EventBridge', {
    PutEvents: putEvents,
    TestEventPattern: testEventPattern,
    ...rules.operations,
    ...subscribers.operations,
  });

  return {
    ...service,
    stop(): void {
      stopped = true;
      subscribers.stop();
    },

    /** Publishes events as an archive replay, with `replay-name`. */
    replay: (name: string, input: unknown) => putEvents(input, false, name),

    /** Publishes an event of an AWS service on the default bus. */
    emit: (event: BusEvent): void => deliver(defaultBus, createEnvelope(event)),

    /** Continues the deliveries of an earlier run. */
    resume(): void {
      for (const [key, delivery] of earlier.splice(0)) void deliverToQueue(key, delivery);
      subscribers.resume();
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
  listedTarget?: ListedTarget | undefined;
}

type RuleState = Pick<BusRule, 'enabled' | 'listedTarget'>;

/** The bus of AWS services' events. */
const defaultBus = 'default';

const onBus = { EventBusName: z.optional(z.string()) };
const listSchema = z.object({ ...onBus, ...pageFields });
const ruleSchema = z.object({ Name: z.string(), ...onBus });
const targetsSchema = z.object({ Rule: z.string(), ...onBus });
const removeSchema = z.object({ Rule: z.string(), Ids: z.array(z.string()), ...onBus });
const listedTarget = z.object({
  Id: z.string(),
  Arn: z.string(),
  DeadLetterConfig: z.optional(z.object({ Arn: z.optional(z.string()) })),
});
type ListedTarget = z.output<typeof listedTarget>;
const putTargetsSchema = z.object({ Rule: z.string(), Targets: z.array(z.unknown()).check(z.minLength(1)), ...onBus });
const busSchema = z.object({ Name: z.optional(z.string()) });

/** The id of a rule's only target. */
const targetId = 'target';

function targetArn(target: Target, queues: EventsOptions['queues']): string {
  if ('function' in target) return functionArn(target.function);
  return queueArn(queues[target.queue] ?? target.queue);
}

/** The app's rules on both buses, and the EventBridge operations on these rules and on those of subscribers. */
function createRules({ busName, rules: specs, queues, state }: EventsOptions, subscribers: SubscriberRules) {
  /** The rules that a call has changed. */
  const changed = state.collection<RuleState>('changed rules');
  const rules = Object.entries(specs).map(([name, rule]): BusRule => {
    const pattern = resolvePattern(rule, { stateMachineArn, alarmName: (name) => name });
    return {
      name,
      bus: rule.bus ?? busName,
      pattern,
      matches: compilePattern(pattern),
      target: rule.target,
      ...(changed.get(name) ?? {
        enabled: true,
        listedTarget: {
          Id: targetId,
          Arn: targetArn(rule.target, queues),
          DeadLetterConfig: { Arn: queueArn(queues.deadLetters) },
        },
      }),
    };
  });

  function change(rule: BusRule, changes: Partial<RuleState>): void {
    const { enabled, listedTarget } = Object.assign(rule, changes);
    changed.put(rule.name, { enabled, listedTarget });
  }

  function resolveBusName(name = defaultBus): string {
    const short = name.slice(name.lastIndexOf('/') + 1);
    if (short !== busName && short !== defaultBus) {
      throw new AwsError('ResourceNotFoundException', `Event bus ${short} does not exist.`);
    }
    return short;
  }

  const findOwn = (bus: string, name: string): BusRule | undefined =>
    rules.find((rule) => rule.name === name && rule.bus === bus);

  function find(name: string, eventBusName: string | undefined): BusRule | SubscriberRule {
    const bus = resolveBusName(eventBusName);
    const found = findOwn(bus, name) ?? subscribers.find(bus, name);
    if (!found) throw new AwsError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus ${bus}.`);
    return found;
  }

  /** @throws AwsError ManagedRuleException for a rule of the app */
  function rejectOwn(bus: string, name: string): void {
    if (!findOwn(bus, name)) return;
    throw new AwsError('ManagedRuleException', `Rule ${name} belongs to the bridge. Create a rule of your own.`);
  }

  const setEnabled = (enabled: boolean) => (input: unknown) => {
    const { Name, EventBusName } = parseInput(ruleSchema, input);
    const rule = find(Name, EventBusName);
    if ('targets' in rule) subscribers.setEnabled(rule, enabled);
    else change(rule, { enabled });
    return {};
  };

  /** Restores the target of one of the app's rules or changes its dead-letter queue. */
  function putOwnTarget(rule: BusRule, targets: readonly unknown[]): void {
    for (const target of parseInput(z.array(listedTarget), targets)) {
      if (target.Id !== targetId || target.Arn !== targetArn(rule.target, queues)) rejectOwn(rule.bus, rule.name);
      change(rule, { listedTarget: target });
    }
  }

  const operations: Operations = {
    DescribeEventBus(input) {
      const name = resolveBusName(parseInput(busSchema, input).Name);
      return { Name: name, Arn: `arn:aws:events:${region}:${accountId}:event-bus/${name}` };
    },
    DescribeRule(input) {
      const { Name, EventBusName } = parseInput(ruleSchema, input);
      return viewRule(find(Name, EventBusName));
    },
    ListRules(input) {
      const { EventBusName, NamePrefix = '', Limit, NextToken } = parseInput(listSchema, input);
      const bus = resolveBusName(EventBusName);
      const own = rules.map((rule, index) => ({ rule, position: index - rules.length }));
      const all = [...own, ...subscribers.list(bus).map((rule) => ({ rule, position: rule.position }))];
      const found = all.filter(({ rule }) => rule.bus === bus && rule.name.startsWith(NamePrefix));
      const page = { maxResults: Limit, nextToken: NextToken };
      const { items, nextToken } = paginate(found, page, ({ position }) => position);
      return { Rules: items.map(({ rule }) => viewRule(rule)), NextToken: nextToken };
    },
    PutRule(input) {
      const { Name, EventBusName } = parseInput(ruleSchema, input);
      const bus = resolveBusName(EventBusName);
      rejectOwn(bus, Name);
      return subscribers.put(bus, input);
    },
    /** Succeeds if the rule does not exist. */
    DeleteRule(input) {
      const { Name, EventBusName } = parseInput(ruleSchema, input);
      const bus = resolveBusName(EventBusName);
      rejectOwn(bus, Name);
      const found = subscribers.find(bus, Name);
      if (found) subscribers.remove(found);
      return {};
    },
    ListTargetsByRule(input) {
      const { Rule, EventBusName } = parseInput(targetsSchema, input);
      const rule = find(Rule, EventBusName);
      return { Targets: 'targets' in rule ? rule.targets : [rule.listedTarget ?? []].flat() };
    },
    PutTargets(input) {
      const { Rule, EventBusName, Targets } = parseInput(putTargetsSchema, input);
      const rule = find(Rule, EventBusName);
      if ('targets' in rule) subscribers.putTargets(rule, Targets);
      else putOwnTarget(rule, Targets);
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
    RemoveTargets(input) {
      const { Rule, EventBusName, Ids } = parseInput(removeSchema, input);
      const rule = find(Rule, EventBusName);
      if ('targets' in rule) subscribers.removeTargets(rule, Ids);
      else if (Ids.includes(targetId)) change(rule, { listedTarget: undefined });
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
    EnableRule: setEnabled(true),
    DisableRule: setEnabled(false),
  };

  return {
    findOwn,

    /** The enabled rules with a target that match an event on a bus. */
    matching: (bus: string, event: unknown): readonly BusRule[] =>
      rules.filter((rule) => rule.bus === bus && rule.enabled && rule.listedTarget && rule.matches(event)),
    operations,
  };
}
