import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { parseJson } from '../../core/platform/json.ts';
import type { InFlight } from '../in-flight.ts';
import type { State } from '../state.ts';
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
/**
 * Maximum number of deliveries that wait for a retry. Above this number, failed deliveries are not retried, so that an
 * unavailable subscriber does not fill the memory.
 */
const maxWaiting = 10_000;

/** The rules that subscribers add to the buses. Their deliveries are independent of those of the app's own rules. */
export function createSubscriberRules(options: SubscriberOptions) {
  const { retryDelayMs, inFlight, state, report } = options;
  const rules = state.collection<SubscriberRule>('subscriber rules');
  const deliveries = state.collection<Delivery>('subscriber deliveries');
  // Read before the first delivery starts: `resume` must not start that one a second time.
  const earlier = deliveries.entries();
  const destinations = createApiDestinations(state);
  const stopped = new AbortController();
  /** The rules with their matchers, by key. */
  const compiled = new Map(rules.entries().map(([key, rule]) => [key, compileRule(rule)]));
  /** ARNs of the targets whose last delivery failed. */
  const failing = new Set<string>();
  let waiting = 0;

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

  async function attempt(rule: SubscriberRule, target: Target, event: Envelope): Promise<Failure | undefined> {
    const done = inFlight.track();
    try {
      const failure = await send(rule, target, event);
      if (!failure) failing.delete(target.Arn);
      else if (!failing.has(target.Arn)) {
        failing.add(target.Arn);
        const what = failure.retryable ? 'it is retried' : 'it is not retried';
        report(`The target ${target.Id} of the rule ${rule.name} failed (${failure.message}); ${what}`);
      }
      return failure;
    } finally {
      done();
    }
  }

  /** Waits before the next attempt. Returns the condition that ends the attempts, if one does. */
  async function waitForRetry(target: Target, attempts: number, startedAt: number, failure: Failure) {
    const { MaximumRetryAttempts = 185, MaximumEventAgeInSeconds = 86_400 } = target.RetryPolicy ?? {};
    if (!failure.retryable) return 'NotRetryable';
    if (attempts > MaximumRetryAttempts) return 'MaximumRetryAttempts';
    if (waiting >= maxWaiting) return 'MaximumWaitingEvents';
    const longest = Math.min(retryDelayMs * 2 ** (attempts - 1), maxRetryDelayMs);
    const delayMs = failure.retryAfterMs ?? longest * (0.5 + Math.random() / 2);
    if (Date.now() + delayMs > startedAt + MaximumEventAgeInSeconds * 1_000) return 'MaximumEventAgeInSeconds';
    waiting += 1;
    await sleep(delayMs, undefined, { signal: stopped.signal, ref: false }).finally(() => {
      waiting -= 1;
    });
    return undefined;
  }

  /** Delivers until it succeeds, the retry policy ends it, or the subscriber removes the target. */
  async function deliverToTarget({ bus, rule: name, target: id, event, startedAt }: Delivery): Promise<void> {
    for (let attempts = 1; ; attempts += 1) {
      const rule = find(bus, name);
      const target = rule?.targets.find(({ Id }) => Id === id);
      if (!rule || !target) return;
      const failure = await attempt(rule, target, event);
      if (!failure) return;
      const condition = await waitForRetry(target, attempts, startedAt, failure);
      if (condition) return sendToDeadLetterQueue(rule, target, event, { ...failure, attempts, condition });
    }
  }

  /** Starts a delivery that is stored. */
  function start(key: string, delivery: Delivery): void {
    deliverToTarget(delivery)
      .catch((error: unknown) => {
        if (!stopped.signal.aborted) report(`An event for the rule ${delivery.rule} is lost: ${error}`);
      })
      .finally(() => {
        if (!stopped.signal.aborted) deliveries.delete(key);
      });
  }

  async function sendToDeadLetterQueue(rule: SubscriberRule, target: Target, event: Envelope, failed: FailedDelivery) {
    const arn = target.DeadLetterConfig?.Arn;
    const what = `an event of the rule ${rule.name} for the target ${target.Id} after ${failed.attempts} attempts`;
    if (arn === undefined) return report(`Dropped ${what}: ${failed.message}. The target has no dead-letter queue`);
    const done = inFlight.track();
    const attributes = {
      ...deadLetterAttributes(rule, target.Arn, failed, failed.attempts - 1),
      ...(failed.condition !== 'NotRetryable' && { EXHAUSTED_RETRY_CONDITION: failed.condition }),
    };
    try {
      const queue = findDestination(arn);
      if (queue.type !== 'queue') throw new UndeliverableError('INVALID_PARAMETER', `${arn} is no queue`);
      await options.sendToQueue(queue.queue, { body: JSON.stringify(event), attributes });
    } catch (error) {
      report(`Dropped ${what}: the dead-letter queue failed: ${describeFailure(error).message}`);
    } finally {
      done();
    }
  }

  return {
    put,
    find,
    list,
    remove,
    putTargets,
    removeTargets: (rule: SubscriberRule, ids: readonly string[]): void =>
      store({ ...rule, targets: rule.targets.filter(({ Id }) => !ids.includes(Id)) }),
    setEnabled: (rule: SubscriberRule, enabled: boolean): void => store({ ...rule, enabled }),
    operations: destinations.operations,

    /** Starts the deliveries of an event, only to these rules if some are given. Every delivery is stored when this returns. */
    deliver(bus: string, event: Envelope, only?: ReadonlySet<string>): void {
      for (const { rule, matches } of compiled.values()) {
        if (
          rule.bus !== bus ||
          only?.has(rule.name) === false ||
          !rule.enabled ||
          rule.targets.length === 0 ||
          !matches(event)
        )
          continue;
        for (const { Id } of rule.targets) {
          const key = randomUUID();
          const delivery = { bus, rule: rule.name, target: Id, event, startedAt: Date.now() };
          deliveries.put(key, delivery);
          start(key, delivery);
        }
      }
    },

    /** Continues the deliveries of an earlier run. */
    resume(): void {
      for (const [key, delivery] of earlier) start(key, delivery);
    },

    stop(): void {
      stopped.abort();
    },
  };
}

export type SubscriberRules = ReturnType<typeof createSubscriberRules>;

const ruleKey = (bus: string, name: string): string => `${bus}/${name}`;

/** @throws AwsError InvalidEventPatternException */
function compileRule(rule: SubscriberRule) {
  return { rule, matches: parsePattern(rule.pattern) };
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
