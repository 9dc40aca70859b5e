import * as z from 'zod/mini';
import type { Clock } from '../../core/platform/clock.ts';
import { openState } from '../state.ts';
import { type Call, methodNames } from './api/routes.ts';
import {
  errorTypeForStatus,
  errorTypes,
  inactiveError,
  LiveChatError,
  notMemberError,
  toLiveChatError,
} from './errors.ts';
import { inactiveForm, integer, milliseconds, nonEmpty, oneOf, parse } from './objects.ts';
import { type WebhookAction, webhookActions } from './webhooks.ts';

/** The body of `POST /simulator/faults`. */

const status = 'an HTTP status from 400 to 599';
const probability = 'a number from 0 to 1';

const limits = {
  count: z.optional(integer('the number of calls or webhooks to affect, 1 or more', 1)),
  probability: z.optional(z.number(probability).check(z.gte(0, probability), z.lte(1, probability))),
  /** How long the fault applies. */
  seconds: z.optional(integer('seconds, 1 or more', 1)),
};

const common = {
  ...limits,
  method: z.optional(oneOf(methodNames)),
  latencyMs: z.optional(milliseconds),
};

const errorFields = {
  status: z.optional(z.int(status).check(z.gte(400, status), z.lte(599, status))),
  type: z.optional(oneOf(errorTypes)),
  retryAfterSeconds: z.optional(integer('seconds, 0 or more', 0)),
};

const fault = <Kind extends string, Fields extends z.core.$ZodShape>(kind: Kind, fields: Fields) =>
  z.strictObject({ kind: z.literal(kind), ...common, ...fields });

const kinds = [
  fault('error', errorFields),
  fault('latency', { latencyMs: milliseconds }),
  fault('accept-then-hang', {}),
  fault('accept-late', {}),
  fault('accept-then-reset', {}),
  fault('accept-then-error', errorFields),
  fault('reset-before-accept', {}),
  fault('chat-inactive', { form: z._default(inactiveForm, 'chat_inactive') }),
  fault('not-a-member', {}),
  fault('misdirected', { region: z._default(nonEmpty('a region, such as fra'), 'dal') }),
  fault('expired-token', {}),
  fault('headers', { headers: z.record(z.string(), z.string()) }),
  z.strictObject({ kind: z.literal('webhooks-not-sent'), ...limits, action: z.optional(oneOf(webhookActions)) }),
] as const;

const kindNames = kinds.map(({ shape }) => shape.kind.def.values.join()).join(', ');
const faultRequest = z.discriminatedUnion('kind', kinds, `a fault: kind is one of ${kindNames}`);

type FaultRequest = z.infer<typeof faultRequest>;

/** An injected fault and its progress, as `/simulator/faults` returns it. */
type Fault = FaultRequest & {
  readonly id: number;
  /** null: no limit. */
  remaining: number | null;
  /** The number of calls or webhooks affected so far. */
  applied: number;
  /** When `seconds` have passed, in ISO 8601. */
  readonly until?: string;
};

type CallFault = Exclude<Fault, { kind: 'webhooks-not-sent' }>;

/** The part of a call that faults are matched against. */
type MatchableCall = Pick<Call, 'name' | 'region'>;

const matches = (fault: Fault, { name, region }: MatchableCall): fault is CallFault => {
  if (fault.kind === 'webhooks-not-sent' || (fault.method ?? name) !== name) return false;
  // A call that names the requested region is accepted.
  return fault.kind !== 'misdirected' || fault.region !== region;
};

/** The result of a call. */
export type CallResult =
  | { readonly kind: 'answer'; readonly body: object; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: 'error'; readonly error: LiveChatError }
  | { readonly kind: 'reset' }
  | { readonly kind: 'hang' };

/** LiveChat times calls out after 15 s, so a delayed call is executed before that. */
const maxDelayMs = 14_000;

export type Faults = ReturnType<typeof createFaults>;

export const createFaults = ({ now, sleep, random }: Pick<Clock, 'now' | 'sleep' | 'random'>, state = openState()) => {
  const stored = state.collection<Fault>('faults');
  let faults = stored.entries().map(([, fault]) => fault);
  let lastId = faults.at(-1)?.id ?? 0;

  /** Whether the fault applies to a call or webhook that it matches. */
  const applies = ({ remaining, until, probability = 1 }: Fault): boolean =>
    remaining !== 0 && (until === undefined || now() < Date.parse(until)) && random() < probability;

  const countApplied = (fault: Fault): void => {
    fault.applied += 1;
    if (fault.remaining !== null) fault.remaining -= 1;
    // A call that was delayed can end after the fault was removed.
    if (faults.includes(fault)) stored.put(String(fault.id), fault);
  };

  const apply = async (fault: CallFault, accept: () => CallResult): Promise<CallResult> => {
    const { latencyMs = fault.kind === 'accept-late' ? Math.round(random() * maxDelayMs) : 0 } = fault;
    // Execute first: a rejected call gets its own error and does not use up the fault.
    if (fault.kind.startsWith('accept-then-')) accept();
    countApplied(fault);
    const delay = sleep(latencyMs);
    if (fault.kind === 'accept-late') {
      void delay.then(accept).catch(toLiveChatError);
      return { kind: 'reset' };
    }
    await delay;
    if (fault.kind !== 'latency' && fault.kind !== 'headers') return respondWith(fault);
    const result = accept();
    return fault.kind === 'headers' && result.kind === 'answer' ? { ...result, headers: fault.headers } : result;
  };

  return {
    /** @throws SimulatorError for an invalid body */
    add(body: unknown) {
      const request = parse(faultRequest, body);
      lastId += 1;
      const { count = null, seconds } = request;
      const until = seconds !== undefined && { until: new Date(now() + seconds * 1000).toISOString() };
      const fault: Fault = { id: lastId, ...request, remaining: count, applied: 0, ...until };
      faults.push(fault);
      stored.put(String(fault.id), fault);
      return fault;
    },

    list: (): readonly Fault[] => faults,

    /** Returns the number of removed faults. */
    clear(): number {
      const { length } = faults;
      faults = [];
      stored.clear();
      return length;
    },

    /** Executes a call with `accept`, or applies the oldest fault that matches it. @throws LiveChatError */
    execute(call: MatchableCall, accept: () => CallResult): CallResult | Promise<CallResult> {
      const fault = faults.find((one): one is CallFault => matches(one, call) && applies(one));
      return fault === undefined ? accept() : apply(fault, accept);
    },

    /** Whether a webhook is lost: it is not sent, and not retried. */
    shouldDropWebhook(action: WebhookAction): boolean {
      const matchesAction = (one: Fault) =>
        one.kind === 'webhooks-not-sent' && (one.action ?? action) === action && applies(one);
      const fault = faults.find(matchesAction);
      if (fault !== undefined) countApplied(fault);
      return fault !== undefined;
    },
  };
};

/** A missing status is derived from the type, and a missing type from the status. */
const createError = (
  { status, type, retryAfterSeconds }: Extract<FaultRequest, { kind: 'error' | 'accept-then-error' }>,
  fallback: number,
) => new LiveChatError(type ?? errorTypeForStatus(status ?? fallback), { status, retryAfterSeconds });

/** The result of a call whose response is lost. @throws LiveChatError if the call is rejected */
const respondWith = (request: Exclude<CallFault, { kind: 'latency' | 'accept-late' | 'headers' }>): CallResult => {
  switch (request.kind) {
    case 'accept-then-hang':
      return { kind: 'hang' };
    case 'accept-then-reset':
    case 'reset-before-accept':
      return { kind: 'reset' };
    case 'accept-then-error':
      return { kind: 'error', error: createError(request, 503) };
    case 'error':
      throw createError(request, 500);
    case 'chat-inactive':
      throw inactiveError(request.form);
    case 'not-a-member':
      throw notMemberError();
    case 'misdirected':
      throw new LiveChatError('misdirected_request', { data: { region: request.region } });
    case 'expired-token':
      throw new LiveChatError('authentication');
  }
};
