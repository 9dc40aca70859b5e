import * as z from 'zod/mini';
import { methodNames } from './api/method.ts';
import {
  type ErrorType,
  errorTypeForStatus,
  errorTypes,
  inactiveError,
  isErrorType,
  LiveChatError,
  notMemberError,
} from './errors.ts';
import { inactiveForm } from './simulator.ts';

/** The body of `POST /simulator/faults`. The schema's messages are the `expected` of error responses. */

const whole = (what: string, least: number) => z.int(what).check(z.gte(least, what));
const milliseconds = whole('milliseconds, 0 or more', 0);
const status = z.int('an HTTP status from 400 to 599');
const errorStatus = status.check(
  z.gte(400, 'an HTTP status from 400 to 599'),
  z.lte(599, 'an HTTP status from 400 to 599'),
);
const probability = 'a number from 0 to 1';

const common = {
  method: z.optional(z.enum(methodNames, `one of ${methodNames.join(', ')}`)),
  count: z.optional(whole('how many calls it affects, 1 or more', 1)),
  probability: z.optional(z.number(probability).check(z.gte(0, probability), z.lte(1, probability))),
  latencyMs: z.optional(milliseconds),
};

const answered = {
  status: z.optional(errorStatus),
  type: z.optional(z.enum(errorTypes, `one of ${errorTypes.join(', ')}`)),
  retryAfterSeconds: z.optional(whole('seconds, 0 or more', 0)),
};

const kind = <Kind extends string>(name: Kind) => ({ kind: z.literal(name), ...common });

const kinds = [
  z.strictObject({ ...kind('error'), ...answered }),
  z.strictObject({ ...kind('latency'), latencyMs: milliseconds }),
  z.strictObject(kind('accept-then-hang')),
  z.strictObject(kind('accept-late')),
  z.strictObject(kind('accept-then-reset')),
  z.strictObject({ ...kind('accept-then-error'), ...answered }),
  z.strictObject(kind('reset-before-accept')),
  z.strictObject({ ...kind('chat-inactive'), form: z._default(inactiveForm, 'chat_inactive') }),
  z.strictObject(kind('not-a-member')),
  z.strictObject({
    ...kind('misdirected'),
    region: z._default(z.string('a region, such as fra').check(z.minLength(1, 'a region, such as fra')), 'dal'),
  }),
  z.strictObject(kind('expired-token')),
] as const;

export const faultRequest = z.discriminatedUnion(
  'kind',
  kinds,
  `a fault: kind is one of ${kinds.map((one) => one.shape.kind.def.values.join()).join(', ')}`,
);

export type FaultRequest = z.infer<typeof faultRequest>;

/** An injected fault and its progress. */
export interface Fault {
  readonly id: number;
  readonly request: FaultRequest;
  /** null: no limit. */
  readonly remaining: number | null;
  /** The number of calls affected so far. */
  readonly applied: number;
}

/** The part of a call that faults are matched against. */
export interface MatchableCall {
  readonly method: string;
  readonly region: string | undefined;
}

export interface Faults {
  readonly add: (request: FaultRequest) => Fault;
  /** The oldest fault that matches the call, subject to its probability. Not counted until `markApplied`. */
  readonly next: (call: MatchableCall) => Fault | undefined;
  readonly markApplied: (fault: Fault) => void;
  readonly list: () => readonly Fault[];
  readonly clear: () => void;
}

const matches = ({ request, remaining }: Fault, call: MatchableCall): boolean => {
  if (remaining === 0) return false;
  if (request.method !== undefined && request.method !== call.method) return false;
  // A call that names the requested region is accepted.
  return request.kind !== 'misdirected' || request.region !== call.region;
};

/** @param random returns a number from 0 to below 1, as Math.random does */
export const createFaults = (random: () => number): Faults => {
  const faults = new Map<number, Fault>();
  let lastId = 0;

  const add = (request: FaultRequest): Fault => {
    lastId += 1;
    const fault: Fault = { id: lastId, request, remaining: request.count ?? null, applied: 0 };
    faults.set(fault.id, fault);
    return fault;
  };

  const next = (call: MatchableCall): Fault | undefined => {
    for (const fault of faults.values()) {
      if (matches(fault, call) && random() < (fault.request.probability ?? 1)) return fault;
    }
    return undefined;
  };

  const markApplied = ({ id }: Fault): void => {
    const fault = faults.get(id);
    if (fault === undefined) return;
    const remaining = fault.remaining === null ? null : fault.remaining - 1;
    faults.set(id, { ...fault, remaining, applied: fault.applied + 1 });
  };

  return { add, next, markApplied, list: () => [...faults.values()], clear: () => faults.clear() };
};

export const viewFault = ({ id, request, remaining, applied }: Fault) => ({
  id,
  ...request,
  remaining,
  applied,
});

type Of<Kind extends FaultRequest['kind']> = Extract<FaultRequest, { kind: Kind }>;

/** Faults that reject a call without executing it. */
export type Refusal = Of<'error' | 'chat-inactive' | 'not-a-member' | 'misdirected' | 'expired-token'>;

/** Faults that execute a call and lose its response. */
export type LostResponse = Of<'accept-then-hang' | 'accept-then-reset' | 'accept-then-error'>;

/** The result of a call. */
export type CallResult =
  | { readonly kind: 'answer'; readonly body: object }
  | { readonly kind: 'error'; readonly error: LiveChatError }
  | { readonly kind: 'reset' }
  | { readonly kind: 'hang' };

const errorType = (type: string | undefined, status: number): ErrorType =>
  type !== undefined && isErrorType(type) ? type : errorTypeForStatus(status);

/** A missing status is derived from the type, and a missing type from the status. */
const createError = ({ status, type, retryAfterSeconds }: Of<'error' | 'accept-then-error'>, fallback: number) =>
  new LiveChatError(errorType(type, status ?? fallback), {
    ...(status !== undefined && { status }),
    retryAfterSeconds,
  });

export const toRefusal = (fault: Refusal): LiveChatError => {
  switch (fault.kind) {
    case 'error':
      return createError(fault, 500);
    case 'chat-inactive':
      return inactiveError(fault.form);
    case 'not-a-member':
      return notMemberError();
    case 'misdirected':
      return new LiveChatError('misdirected_request', { data: { region: fault.region } });
    case 'expired-token':
      return new LiveChatError('authentication');
  }
};

export const toLostResponse = (fault: LostResponse): CallResult => {
  if (fault.kind === 'accept-then-hang') return { kind: 'hang' };
  if (fault.kind === 'accept-then-reset') return { kind: 'reset' };
  return { kind: 'error', error: createError(fault, 503) };
};
