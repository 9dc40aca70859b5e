import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { parseJson } from '../../core/platform/json.ts';
import type { InFlight } from '../in-flight.ts';
import { type ApiDestinations, createApiDestinations } from './api-destinations.ts';
import { ruleArn } from './arn.ts';
import type { Envelope } from './event-bridge.ts';
import { compilePattern, InvalidPatternError, type Matcher } from './event-pattern.ts';
import { AwsError, parseInput, unsupported } from './protocol.ts';
import { createInput, findDestination, parseTarget, type Target, UndeliverableError } from './rule-targets.ts';
import { type OutgoingMessage, StorageError } from './sqs-s3.ts';

export interface SubscriberOptions {
  /** Sends to a queue by its SQS name. */
  sendToQueue(name: string, message: OutgoingMessage): Promise<unknown>;
  /** The delay before the first retry; it doubles up to 1 minute. */
  readonly retryDelayMs: number;
  readonly inFlight: InFlight;
  report(message: string): void;
}

export interface SubscriberRule {
  readonly name: string;
  readonly bus: string;
  readonly position: number;
  readonly targets: Map<string, Target>;
  pattern: string;
  description: string | undefined;
  matches: Matcher;
  enabled: boolean;
}

const putRuleSchema = z.object({
  Name: z.string().check(z.regex(/^[\w.-]{1,64}$/)),
  EventPattern: z.optional(z.string().check(z.maxLength(4_096))),
  ScheduleExpression: z.optional(z.string()),
  State: z.optional(z.enum(['ENABLED', 'DISABLED'])),
  Description: z.optional(z.string().check(z.maxLength(512))),
});

const maxRules = 300;
const maxTargets = 5;
const maxRetryDelayMs = 60_000;
/** Beyond this, an event that cannot be delivered is not retried, so that a dead subscriber does not fill the memory. */
const maxWaiting = 10_000;

/** The rules that subscribers add to the buses. Their deliveries run apart from those of the app's own rules. */
export function createSubscriberRules(options: SubscriberOptions) {
  const { retryDelayMs, inFlight, report } = options;
  const rules: SubscriberRule[] = [];
  const destinations = createApiDestinations();
  const stopped = new AbortController();
  /** Targets whose last delivery failed. */
  const failing = new Set<Target>();
  let created = 0;
  let waiting = 0;

  function put(bus: string, input: unknown) {
    const { Name, EventPattern, ScheduleExpression, State, Description } = parseInput(putRuleSchema, input);
    if (ScheduleExpression !== undefined) throw unsupported('EventBridge PutRule with ScheduleExpression');
    if (EventPattern === undefined) {
      throw new AwsError('ValidationException', 'Parameter(s) EventPattern or ScheduleExpression must be specified.');
    }
    const matches = parsePattern(EventPattern);
    const content = { pattern: EventPattern, description: Description, matches, enabled: State !== 'DISABLED' };
    const existing = find(bus, Name);
    if (existing) Object.assign(existing, content);
    else {
      if (list(bus).length >= maxRules) throw limitExceeded();
      created += 1;
      rules.push({ name: Name, bus, position: created, targets: new Map(), ...content });
    }
    return { RuleArn: ruleArn(bus, Name) };
  }

  const list = (bus: string): readonly SubscriberRule[] => rules.filter((rule) => rule.bus === bus);
  const find = (bus: string, name: string): SubscriberRule | undefined =>
    rules.find((rule) => rule.bus === bus && rule.name === name);

  function remove(rule: SubscriberRule): void {
    if (rule.targets.size > 0) throw new AwsError('ValidationException', "Rule can't be deleted since it has targets.");
    rules.splice(rules.indexOf(rule), 1);
  }

  function putTargets(rule: SubscriberRule, targets: readonly unknown[]): void {
    const parsed = targets.map(parseTarget);
    const ids = new Set([...rule.targets.keys(), ...parsed.map(({ Id }) => Id)]);
    if (ids.size > maxTargets) throw limitExceeded();
    for (const target of parsed) rule.targets.set(target.Id, target);
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
      if (!failure) failing.delete(target);
      else if (!failing.has(target)) {
        failing.add(target);
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

  async function deliverTo(rule: SubscriberRule, target: Target, event: Envelope): Promise<void> {
    const startedAt = Date.now();
    for (let attempts = 1; ; attempts += 1) {
      const failure = await attempt(rule, target, event);
      if (!failure) return;
      const condition = await waitForRetry(target, attempts, startedAt, failure);
      if (condition) return sendToDeadLetterQueue(rule, target, event, { ...failure, attempts, condition });
      // The subscriber removed the target or replaced it.
      if (rule.targets.get(target.Id) !== target) return;
    }
  }

  async function sendToDeadLetterQueue(rule: SubscriberRule, target: Target, event: Envelope, failed: FailedDelivery) {
    const arn = target.DeadLetterConfig?.Arn;
    const what = `an event of the rule ${rule.name} for the target ${target.Id} after ${failed.attempts} attempts`;
    if (arn === undefined) return report(`Dropped ${what}: ${failed.message}. The target has no dead-letter queue`);
    const done = inFlight.track();
    const attributes = {
      RULE_ARN: ruleArn(rule.bus, rule.name),
      TARGET_ARN: target.Arn,
      ERROR_CODE: failed.code,
      ERROR_MESSAGE: failed.message,
      RETRY_ATTEMPTS: String(failed.attempts - 1),
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
    operations: destinations.operations,

    /** Starts the deliveries of an event. Never throws. */
    deliver(bus: string, event: Envelope): void {
      for (const rule of list(bus)) {
        if (!rule.enabled || rule.targets.size === 0 || !rule.matches(event)) continue;
        for (const target of rule.targets.values()) {
          deliverTo(rule, target, event).catch((error: unknown) => {
            if (!stopped.signal.aborted) report(`An event for the rule ${rule.name} is lost: ${error}`);
          });
        }
      }
    },

    stop(): void {
      if (waiting > 0) report(`Stopped with ${waiting} events that wait for a retry to a subscriber`);
      stopped.abort();
    },
  };
}

export type SubscriberRules = ReturnType<typeof createSubscriberRules>;

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
  /** The delay that the endpoint asks for. */
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
  // The cause of fetch's error names the problem, such as ECONNREFUSED.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const message = cause instanceof Error ? cause.message : String(cause);
  return { code: 'CONNECTION_FAILURE', message, retryable: true };
}
