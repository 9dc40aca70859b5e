import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import * as z from 'zod/mini';
import { parseJson } from '../../core/platform/json.ts';
import type { InFlight } from '../in-flight.ts';
import type { State } from '../state.ts';
import { createStoredWork } from '../stored-work.ts';
import { type ApiDestinations, createApiDestinations } from './api-destinations.ts';
import { ruleArn } from './arn.ts';
import type { Envelope } from './event-bridge.ts';
import { compilePattern, InvalidPatternError, type Matcher } from './event-pattern.ts';
import { AwsError, eventName, parseInput, unsupported } from './protocol.ts';
import {
  createInput,
  deadLetterAttributes,
  findDestination,
  parseTarget,
  type Target,
  UndeliverableError,
} from './rule-targets.ts';
import { type OutgoingMessage, StorageError } from './sqs-s3.ts';

export interface SubscriberOptions {
  /** Sends to a queue by its SQS name. */
  sendToQueue(name: string, message: OutgoingMessage): Promise<unknown>;
  /** The delay before the first retry; it doubles up to 1 minute. */
  readonly retryDelayMs: number;
  readonly inFlight: InFlight;
  /** Stores the rules. Stores each delivery until it ends. */
  readonly state: State;
  /**
   * Maximum number of pending deliveries. Each takes about 3 KB of memory, since the events are on disk. Above the limit, events go
   * to the dead-letter queue, so that an unresponsive endpoint cannot exhaust the memory. Default 100,000.
   */
  readonly maxPending?: number;
  report(message: string): void;
}

/** A stored rule. */
export interface SubscriberRule {
  readonly name: string;
  readonly bus: string;
  readonly position: number;
  readonly targets: readonly Target[];
  readonly pattern: string;
  readonly description?: string | undefined;
  readonly enabled: boolean;
}

/** The delivery of an event to one target, as it is stored between attempts. */
interface Delivery {
  readonly bus: string;
  readonly rule: string;
  readonly target: string;
  readonly event: Envelope;
  /** In milliseconds since 1970. */
  readonly startedAt: number;
  /** The number of failed attempts, and the last failure. */
  readonly attempts: number;
  readonly failure?: Failure;
}

/** The deliveries to one target. */
interface TargetState {
  readonly limit: ReturnType<typeof pLimit>;
  /** Whether the last attempt failed. */
  isFailing: boolean;
}

const putRuleSchema = z.object({
  Name: eventName,
  EventPattern: z.optional(z.string().check(z.maxLength(4_096))),
  ScheduleExpression: z.optional(z.string()),
  State: z.optional(z.enum(['ENABLED', 'DISABLED'])),
  Description: z.optional(z.string().check(z.maxLength(512))),
});

const maxRules = 300;
const maxTargets = 5;
const maxRetryDelayMs = 60_000;
/** Maximum concurrent deliveries to one target, so that a slow endpoint does not exhaust the sockets. */
const maxConcurrent = 50;

/** The rules that subscribers add to the buses. Their deliveries are independent of those of the app's own rules. */
export function createSubscriberRules(options: SubscriberOptions) {
  const { retryDelayMs, inFlight, state, report, maxPending = 100_000 } = options;
  const rules = state.collection<SubscriberRule>('subscriber rules');
  const deliveries = createStoredWork<Delivery>({
    state,
    name: 'subscriber deliveries',
    // Passes on the key only, because the events of a slow target could fill the memory.
    run: ({ bus, rule, target }, key) => deliverToTarget(key, findTargetState(targetKey(bus, rule, target))),
    onError: ({ rule }, error) => report(`Lost an event for the rule ${rule}: ${error}`),
  });
  const destinations = createApiDestinations(state);
  /** The rules with their matchers, by key. */
  const compiled = new Map(rules.entries().map(([key, rule]) => [key, compileRule(rule)]));
  /** By rule and target. */
  const targetStates = new Map<string, TargetState>();

  const list = (bus: string): readonly SubscriberRule[] =>
    [...compiled.values()].flatMap(({ rule }) => (rule.bus === bus ? rule : []));
  const find = (bus: string, name: string): SubscriberRule | undefined => compiled.get(ruleKey(bus, name))?.rule;

  function store(rule: SubscriberRule): void {
    const key = ruleKey(rule.bus, rule.name);
    compiled.set(key, compileRule(rule));
    rules.put(key, rule);
  }

  function put(bus: string, input: unknown) {
    const { Name, EventPattern, ScheduleExpression, State, Description } = parseInput(putRuleSchema, input);
    if (ScheduleExpression !== undefined) throw unsupported('EventBridge PutRule with ScheduleExpression');
    if (EventPattern === undefined) {
      throw new AwsError('ValidationException', 'Parameter(s) EventPattern or ScheduleExpression must be specified.');
    }
    const all = list(bus);
    const { position, targets } = find(bus, Name) ?? { position: (all.at(-1)?.position ?? 0) + 1, targets: [] };
    if (all.length >= maxRules && !find(bus, Name)) throw limitExceeded();
    const enabled = State !== 'DISABLED';
    store({ name: Name, bus, position, targets, pattern: EventPattern, description: Description, enabled });
    return { RuleArn: ruleArn(bus, Name) };
  }

  function remove({ bus, name, targets }: SubscriberRule): void {
    if (targets.length > 0) throw new AwsError('ValidationException', "Rule can't be deleted since it has targets.");
    compiled.delete(ruleKey(bus, name));
    rules.delete(ruleKey(bus, name));
  }

  function putTargets(rule: SubscriberRule, inputs: readonly unknown[]): void {
    const added = inputs.map(parseTarget);
    const targets = new Map([...rule.targets, ...added].map((target) => [target.Id, target]));
    if (targets.size > maxTargets) throw limitExceeded();
    store({ ...rule, targets: [...targets.values()] });
  }

  function findTargetState(key: string): TargetState {
    const state = targetStates.get(key) ?? { limit: pLimit(maxConcurrent), isFailing: false };
    targetStates.set(key, state);
    return state;
  }

  async function send(rule: SubscriberRule, target: Target, event: Envelope): Promise<Failure | undefined> {
    try {
      const body = createInput(target, event, rule);
      const destination = findDestination(target.Arn);
      if (destination.type === 'api') {
        return toFailure(await destinations.call(destination.arn, event, body, target.HttpParameters));
      }
      const groupId = target.SqsParameters?.MessageGroupId;
      await options.sendToQueue(destination.queue, { body, ...(groupId !== undefined && { groupId }) });
      return undefined;
    } catch (error) {
      return describeFailure(error);
    }
  }

  async function attempt(rule: SubscriberRule, target: Target, event: Envelope, targetState: TargetState) {
    const failure = await send(rule, target, event);
    if (failure && !targetState.isFailing) {
      const what = failure.retryable ? 'retrying' : 'not retrying';
      report(`The target ${target.Id} of the rule ${rule.name} failed (${failure.message}); ${what}`);
    }
    targetState.isFailing = failure !== undefined;
    return failure;
  }

  /** The delay before the next attempt, in ms, or the condition that ends the attempts. */
  function planRetry(target: Target, startedAt: number, attempts: number, failure: Failure): number | string {
    const { MaximumRetryAttempts = 185 } = target.RetryPolicy ?? {};
    if (!failure.retryable) return 'NotRetryable';
    if (attempts > MaximumRetryAttempts) return 'MaximumRetryAttempts';
    const longest = Math.min(retryDelayMs * 2 ** (attempts - 1), maxRetryDelayMs);
    const delayMs = failure.retryAfterMs ?? longest * (0.5 + Math.random() / 2);
    return Date.now() + delayMs > expiry(target, startedAt) ? 'MaximumEventAgeInSeconds' : delayMs;
  }

  /** Makes the next attempt of a delivery. Returns the delay before another one, unless the delivery has ended. */
  async function attemptNext(key: string, targetState: TargetState): Promise<number | undefined> {
    deliveries.signal.throwIfAborted();
    const delivery = deliveries.get(key);
    const rule = delivery && find(delivery.bus, delivery.rule);
    const target = rule?.targets.find(({ Id }) => Id === delivery?.target);
    // The subscriber has removed the target.
    if (!delivery || !rule || !target) return undefined;
    const { event, startedAt } = delivery;
    // An event can expire while it waits for a slow endpoint, or while the engine is stopped.
    const expired = Date.now() > expiry(target, startedAt) ? delivery.failure : undefined;
    const failure = expired ?? (await attempt(rule, target, event, targetState));
    if (!failure) return undefined;
    deliveries.signal.throwIfAborted();
    const attempts = delivery.attempts + (expired ? 0 : 1);
    const next = planRetry(target, startedAt, attempts, failure);
    if (typeof next === 'string') {
      await sendToDeadLetterQueue(rule, target, event, { ...failure, attempts, condition: next });
      return undefined;
    }
    deliveries.update(key, { ...delivery, attempts, failure });
    return next;
  }

  /** Delivers until it succeeds, the retry policy ends it, or the subscriber removes the target. */
  async function deliverToTarget(key: string, targetState: TargetState): Promise<void> {
    for (;;) {
      const done = inFlight.track();
      const delayMs = await targetState.limit(() => attemptNext(key, targetState)).finally(done);
      if (delayMs === undefined) return;
      await sleep(delayMs, undefined, { signal: deliveries.signal, ref: false });
    }
  }

  async function sendToDeadLetterQueue(rule: SubscriberRule, target: Target, event: Envelope, failed: FailedDelivery) {
    const arn = target.DeadLetterConfig?.Arn;
    const what = `an event of the rule ${rule.name} for the target ${target.Id} after ${failed.attempts} attempts`;
    if (arn === undefined) return report(`Dropped ${what}: ${failed.message}. The target has no dead-letter queue`);
    const attributes = {
      ...deadLetterAttributes(rule, target.Arn, failed, Math.max(0, failed.attempts - 1)),
      ...(failed.condition !== 'NotRetryable' && { EXHAUSTED_RETRY_CONDITION: failed.condition }),
    };
    try {
      const queue = findDestination(arn);
      if (queue.type !== 'queue') throw new UndeliverableError('INVALID_PARAMETER', `${arn} is no queue`);
      await options.sendToQueue(queue.queue, { body: JSON.stringify(event), attributes });
    } catch (error) {
      report(`Dropped ${what}: the dead-letter queue failed: ${describeFailure(error).message}`);
    }
  }

  return {
    put,
    find,
    list,
    remove,
    putTargets,
    removeTargets(rule: SubscriberRule, ids: readonly string[]): void {
      store({ ...rule, targets: rule.targets.filter(({ Id }) => !ids.includes(Id)) });
      for (const id of ids) targetStates.delete(targetKey(rule.bus, rule.name, id));
    },
    setEnabled: (rule: SubscriberRule, enabled: boolean): void => store({ ...rule, enabled }),
    operations: destinations.operations,

    /** Starts the deliveries of an event, only to these rules if some are given. Every delivery is stored when this returns. */
    deliver(bus: string, event: Envelope, ruleNames?: ReadonlySet<string>): void {
      for (const { rule, matches } of compiled.values()) {
        if (
          rule.bus !== bus ||
          ruleNames?.has(rule.name) === false ||
          !rule.enabled ||
          rule.targets.length === 0 ||
          !matches(event)
        )
          continue;
        for (const target of rule.targets) {
          if (deliveries.running() >= maxPending) {
            void sendToDeadLetterQueue(rule, target, event, tooManyPending).finally(inFlight.track());
          } else deliveries.add({ bus, rule: rule.name, target: target.Id, event, startedAt: Date.now(), attempts: 0 });
        }
      }
    },

    /** Continues the deliveries of an earlier run. */
    resume: deliveries.resume,
    stop: deliveries.stop,
  };
}

export type SubscriberRules = ReturnType<typeof createSubscriberRules>;

const ruleKey = (bus: string, name: string): string => `${bus}/${name}`;
const targetKey = (bus: string, rule: string, target: string): string => `${ruleKey(bus, rule)}/${target}`;

/** @throws AwsError InvalidEventPatternException */
function compileRule(rule: SubscriberRule) {
  return { rule, matches: parsePattern(rule.pattern) };
}

/** When a target's policy ends the retries of an event, in milliseconds since 1970. */
function expiry({ RetryPolicy }: Target, startedAt: number): number {
  return startedAt + (RetryPolicy?.MaximumEventAgeInSeconds ?? 86_400) * 1_000;
}

const testPatternSchema = z.object({ EventPattern: z.string(), Event: z.string() });
const testEventSchema = z.looseObject({
  id: z.string(),
  account: z.string(),
  source: z.string(),
  time: z.string(),
  region: z.string(),
  resources: z.array(z.unknown()),
  'detail-type': z.string(),
});

/** EventBridge's operation TestEventPattern. */
export function testEventPattern(input: unknown) {
  const { EventPattern, Event } = parseInput(testPatternSchema, input);
  const matches = parsePattern(EventPattern);
  const event = testEventSchema.safeParse(parseJson(Event));
  if (event.success) return { Result: matches(event.data) };
  const [field = 'the event'] = event.error.issues.map(({ path }) => path.join('.') || 'the event');
  throw new AwsError('ValidationException', `Parameter Event is not valid. Reason: ${field} is missing or malformed`);
}

/** @throws AwsError InvalidEventPatternException */
function parsePattern(text: string): Matcher {
  try {
    return compilePattern(parseJson(text));
  } catch (error) {
    if (error instanceof InvalidPatternError) throw new AwsError('InvalidEventPatternException', error.message);
    throw error;
  }
}

function limitExceeded(): AwsError {
  return new AwsError('LimitExceededException', 'The requested resource exceeds the maximum number allowed.');
}

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  /** The delay in the endpoint's Retry-After header. */
  readonly retryAfterMs?: number;
}

interface FailedDelivery extends Failure {
  readonly attempts: number;
  readonly condition: string;
}

const tooManyPending: FailedDelivery = {
  code: 'THROTTLING',
  message: 'Too many pending deliveries',
  retryable: false,
  attempts: 0,
  condition: 'NotRetryable',
};

/** EventBridge retries these responses of an endpoint. */
function isRetryable(status: number): boolean {
  return status >= 500 || [401, 407, 409, 429].includes(status);
}

function toFailure({ status, retryAfter }: Awaited<ReturnType<ApiDestinations['call']>>): Failure | undefined {
  if (status >= 200 && status < 300) return undefined;
  const seconds = Number(retryAfter ?? undefined);
  return {
    code: 'ERROR_FROM_TARGET',
    message: `The endpoint responded with ${status}`,
    retryable: isRetryable(status),
    ...(Number.isFinite(seconds) && { retryAfterMs: Math.min(seconds * 1_000, maxRetryDelayMs) }),
  };
}

function describeFailure(error: unknown): Failure {
  if (error instanceof UndeliverableError) return { code: error.code, message: error.message, retryable: false };
  if (error instanceof StorageError) return { code: 'NO_RESOURCE', message: error.message, retryable: false };
  const timedOut = error instanceof Error && error.name === 'TimeoutError';
  if (timedOut) return { code: 'TIMEOUT', message: 'The endpoint did not respond within 5 s', retryable: true };
  // The cause of fetch's error names the problem, such as ECONNREFUSED. After several addresses it has only a code.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : 'unknown';
  const message = (cause instanceof Error && cause.message) || String(code);
  return { code: 'CONNECTION_FAILURE', message, retryable: true };
}
