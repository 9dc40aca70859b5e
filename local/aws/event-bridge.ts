import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { type Pattern, resolvePattern } from '../../stacks/topology.ts';
import type { InFlight } from '../in-flight.ts';
import { accountId, functionArn, queueArn, region, ruleArn, stateMachineArn } from './arn.ts';
import { compilePattern } from './event-pattern.ts';
import type { AwsEvent } from './executions.ts';
import { AwsError, callOperation, isRecord, type Operations, paginate, parseInput, unsupported } from './protocol.ts';
import type { OutgoingMessage } from './sqs.ts';

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
  /** The name of the archive replay that published the event. */
  readonly 'replay-name'?: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface EventsOptions extends RulesOptions {
  /** Starts the delivery of an event to a rule's target without waiting for it. */
  deliver(match: Match, event: Envelope): void;
  /** Receives every event on the app's bus. */
  onEvent?(event: Envelope): void;
  readonly now?: () => Date;
  readonly newId?: () => string;
}

interface Failure {
  readonly ErrorCode: string;
  readonly ErrorMessage: string;
}

type EntryResult = { readonly EventId: string } | Failure;

export interface PutEventsResult {
  readonly FailedEntryCount: number;
  readonly Entries: readonly EntryResult[];
}

const maxEntries = 10;
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

const putEventsSchema = z.object({ Entries: z.array(entrySchema) });

type Entry = z.output<typeof entrySchema>;

/** EventBridge with the app's bus and the default bus: PutEvents, rules and targets. */
export function createEvents(options: EventsOptions) {
  const { busName, onEvent, now = () => new Date(), newId = randomUUID } = options;
  const rules = createRules(options);

  function toEnvelope(entry: Entry, replay: string | undefined): Envelope | Failure {
    const missing = missingField(entry);
    if (missing) return missing;
    const { Source = '', DetailType = '', Detail = '', EventBusName = 'default', Time, Resources = [] } = entry;
    if (EventBusName !== busName && !EventBusName.endsWith(`:event-bus/${busName}`)) {
      return { ErrorCode: 'ResourceNotFoundException', ErrorMessage: `Event bus ${EventBusName} does not exist.` };
    }
    if (Source.startsWith('aws.')) {
      return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' };
    }
    const detail = parseDetail(Detail);
    if (!detail) return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
    return {
      version: '0',
      id: newId(),
      'detail-type': DetailType,
      source: Source,
      account: accountId,
      time: toSeconds(Time === undefined ? now() : new Date(Time * 1_000)),
      region,
      resources: Resources,
      ...(replay !== undefined && { 'replay-name': replay }),
      detail,
    };
  }

  function deliver(bus: string, envelope: Envelope): void {
    for (const match of rules.matching(bus, envelope)) options.deliver(match, envelope);
  }

  function takeEntry(entry: Entry, throttled: boolean, replay: string | undefined): EntryResult {
    if (throttled) return { ErrorCode: 'ThrottlingException', ErrorMessage: 'Rate exceeded (injected fault)' };
    const envelope = toEnvelope(entry, replay);
    if ('ErrorCode' in envelope) return envelope;
    onEvent?.(envelope);
    deliver(busName, envelope);
    return { EventId: envelope.id };
  }

  /** With `partial`, the second half of the entries (at least one) is throttled. */
  function putEvents(input: unknown, partial: boolean, replay?: string): PutEventsResult {
    const entries = parseInput(putEventsSchema, input).Entries;
    if (entries.length === 0 || entries.length > maxEntries) {
      const bound = entries.length === 0 ? 'greater than or equal to 1' : `less than or equal to ${maxEntries}`;
      throw new AwsError(
        'ValidationException',
        `1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length ${bound}`,
      );
    }
    if (entries.reduce((sum, entry) => sum + entrySize(entry), 0) > maxRequestBytes) {
      throw new AwsError('ValidationException', 'Total size of the entries in the request is over the limit.');
    }
    const taken = partial ? Math.floor(entries.length / 2) : entries.length;
    const results = entries.map((entry, index) => takeEntry(entry, index >= taken, replay));
    return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results };
  }

  return {
    call(operation: string, input: unknown, partial = false): unknown {
      if (operation === 'PutEvents') return putEvents(input, partial);
      return callOperation('EventBridge', rules.operations, operation, input);
    },

    /** Publishes events as an archive replay, with `replay-name`. */
    replay: (name: string, input: unknown): PutEventsResult => putEvents(input, false, name),

    /** Publishes an event of an AWS service on the default bus. */
    emit({ source, detailType, resources, detail }: AwsEvent): void {
      const head = { version: '0', id: newId(), account: accountId, time: toSeconds(now()), region } as const;
      deliver(defaultBus, { ...head, 'detail-type': detailType, source, resources, detail });
    },
  };
}

export type Events = ReturnType<typeof createEvents>;

function missingField(entry: Entry): Failure | undefined {
  const name = (['Source', 'DetailType', 'Detail'] as const).find((field) => !entry[field]);
  if (!name) return undefined;
  return {
    ErrorCode: 'InvalidArgument',
    ErrorMessage: `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
  };
}

function parseDetail(detail: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(detail);
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
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
export type Target = { readonly function: string } | { readonly stateMachine: string } | { readonly queue: string };

export interface Rule {
  readonly pattern: Pattern;
  readonly target: Target;
  /** Default: the app's bus. */
  readonly bus?: string;
  readonly sourceStateMachine?: string;
}

/** A rule that an event matched. */
export interface Match {
  readonly rule: string;
  readonly bus: string;
  readonly target: Target;
  /** The ARN of the dead-letter queue. Without one, failed events are lost. */
  readonly deadLetters: string | undefined;
}

/** The bus of AWS services' events. */
export const defaultBus = 'default';

const onBus = { EventBusName: z.optional(z.string()) };
const page = { Limit: z.optional(z.number()), NextToken: z.optional(z.string()) };
const listSchema = z.object({ ...onBus, ...page });
const ruleSchema = z.object({ Name: z.string(), ...onBus });
const targetsSchema = z.object({ Rule: z.string(), ...onBus });
const removeSchema = z.object({ Rule: z.string(), Ids: z.array(z.string()), ...onBus });
const putSchema = z.object({
  Rule: z.string(),
  Targets: z.array(
    z.object({
      Id: z.string(),
      Arn: z.string(),
      DeadLetterConfig: z.optional(z.object({ Arn: z.optional(z.string()) })),
    }),
  ),
  ...onBus,
});
const busSchema = z.object({ Name: z.optional(z.string()) });

/** The id of a rule's only target. */
const targetId = 'target';

export interface RulesOptions {
  readonly busName: string;
  readonly rules: Readonly<Record<string, Rule>>;
  targetArn(target: Target): string;
  /** The ARN of the dead-letter queue of every rule's target. */
  readonly deadLetters: string;
}

/** The rules of both buses, and EventBridge's calls that read and change them. */
export function createRules({ busName, rules: given, targetArn, deadLetters }: RulesOptions) {
  const rules = Object.entries(given).map(([name, rule], number) => {
    const pattern = resolvePattern(rule, stateMachineArn);
    const match: Match = { rule: name, bus: rule.bus ?? busName, target: rule.target, deadLetters };
    return { match, number, pattern, matches: compilePattern(pattern), enabled: true, targeted: true };
  });
  type Known = (typeof rules)[number];

  function resolveBusName(name = defaultBus): string {
    const short = name.slice(name.lastIndexOf('/') + 1);
    if (short !== busName && short !== defaultBus) {
      throw new AwsError('ResourceNotFoundException', `Event bus ${short} does not exist.`);
    }
    return short;
  }

  function find(name: string, bus: string | undefined): Known {
    const on = resolveBusName(bus);
    const found = rules.find(({ match }) => match.rule === name && match.bus === on);
    if (!found) throw new AwsError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus ${on}.`);
    return found;
  }

  const view = ({ match, pattern, enabled }: Known) => ({
    Name: match.rule,
    Arn: ruleArn(match.bus, match.rule),
    EventBusName: match.bus,
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
      const on = resolveBusName(EventBusName);
      const wanted = { ...(Limit && { maxResults: Limit }), ...(NextToken && { nextToken: NextToken }) };
      const { items, nextToken } = paginate(
        rules.filter(({ match }) => match.bus === on),
        wanted,
        ({ number }) => number,
      );
      return { Rules: items.map(view), NextToken: nextToken };
    },
    ListTargetsByRule(input) {
      const { Rule, EventBusName } = parseInput(targetsSchema, input);
      const { match, targeted } = find(Rule, EventBusName);
      if (!targeted) return { Targets: [] };
      const letters = match.deadLetters !== undefined && { DeadLetterConfig: { Arn: match.deadLetters } };
      return { Targets: [{ Id: targetId, Arn: targetArn(match.target), ...letters }] };
    },
    /** Restores a rule's own target or changes its dead-letter queue. Other targets are not supported. */
    PutTargets(input) {
      const { Rule, EventBusName, Targets } = parseInput(putSchema, input);
      const rule = find(Rule, EventBusName);
      for (const { Id, Arn, DeadLetterConfig } of Targets) {
        if (Id !== targetId || Arn !== targetArn(rule.match.target))
          throw unsupported(`EventBridge PutTargets of ${Arn}`);
        rule.match = { ...rule.match, deadLetters: DeadLetterConfig?.Arn };
        rule.targeted = true;
      }
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
    RemoveTargets(input) {
      const { Rule, EventBusName, Ids } = parseInput(removeSchema, input);
      const rule = find(Rule, EventBusName);
      if (Ids.includes(targetId)) rule.targeted = false;
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
    EnableRule: setEnabled(true),
    DisableRule: setEnabled(false),
  };

  return {
    /** The enabled rules that match an event on a bus. */
    matching: (bus: string, event: unknown): readonly Match[] =>
      rules
        .filter(({ match, matches, enabled, targeted }) => match.bus === bus && enabled && targeted && matches(event))
        .map(({ match }) => match),
    operations,
  };
}

export interface TargetsOptions {
  /** Invokes a function asynchronously, with retries. */
  startFunction(name: string, event: unknown): void;
  startExecution(input: { readonly stateMachineArn: string; readonly name: string; readonly input: string }): unknown;
  /** Sends to a queue by its name in the topology. */
  send(queue: string, message: OutgoingMessage): Promise<unknown>;
  /** The dead-letter queue's name in the topology. */
  readonly deadLetters: string;
  /** The SQS names of the queues, by their names in the topology. */
  readonly queues: Readonly<Record<string, string>>;
  readonly inFlight: InFlight;
  report(message: string): void;
}

/** Delivers events to the targets of rules. */
export function createTargets(options: TargetsOptions) {
  const { startFunction, startExecution, send, deadLetters, inFlight, report } = options;

  async function invokeTarget(target: Target, event: Envelope): Promise<void> {
    if ('function' in target) return startFunction(target.function, event);
    const body = JSON.stringify(event);
    if ('queue' in target) {
      await send(target.queue, { body });
      return;
    }
    // As on EventBridge, the execution's name contains the event's id.
    const name = `${event.id}_${randomUUID()}`;
    startExecution({ stateMachineArn: stateMachineArn(target.stateMachine), name, input: body });
  }

  /** Sends a failed event to the dead-letter queue with the reason in its attributes. AWS retries for 24 h before. */
  async function deadLetter(
    { rule, bus, target, deadLetters: to }: Match,
    event: Envelope,
    error: unknown,
  ): Promise<void> {
    if (to === undefined) throw error;
    const message = error instanceof Error ? error.message : String(error);
    const attributes = {
      RULE_ARN: ruleArn(bus, rule),
      TARGET_ARN: targetArn(target),
      ERROR_CODE: error instanceof AwsError ? error.type : 'ERROR_FROM_TARGET',
      ERROR_MESSAGE: message,
      RETRY_ATTEMPTS: '0',
    };
    report(`Delivery to the target of the rule ${rule} failed; the event is in the dead-letter queue: ${message}`);
    await send(deadLetters, { body: JSON.stringify(event), attributes });
  }

  function targetArn(target: Target): string {
    if ('function' in target) return functionArn(target.function);
    if ('stateMachine' in target) return stateMachineArn(target.stateMachine);
    return queueArn(options.queues[target.queue] ?? target.queue);
  }

  return {
    targetArn,

    deliver(match: Match, event: Envelope): void {
      const done = inFlight.track();
      invokeTarget(match.target, event)
        .catch((error: unknown) => deadLetter(match, event, error))
        .catch((error: unknown) => report(`An event for the rule ${match.rule} is lost: ${error}`))
        .finally(done);
    },
  };
}
