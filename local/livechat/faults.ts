import * as z from 'zod/mini';
import { methodNames } from './api/methods.ts';
import {
  type ErrorType,
  errorTypeForStatus,
  errorTypes,
  inactiveError,
  isErrorType,
  LiveChatError,
  notMemberError,
} from './errors.ts';
import { inactiveForm, integer, nonEmpty, oneOf } from './schemas.ts';

/** The body of `POST /simulator/faults`. */

const milliseconds = integer('milliseconds, 0 or more', 0);
const status = 'an HTTP status from 400 to 599';
const probability = 'a number from 0 to 1';

const fault = <Kind extends string, Fields extends z.core.$ZodShape>(kind: Kind, fields: Fields) =>
  z.strictObject({
    kind: z.literal(kind),
    method: z.optional(oneOf(methodNames)),
    count: z.optional(integer('the number of calls to affect, 1 or more', 1)),
    probability: z.optional(z.number(probability).check(z.gte(0, probability), z.lte(1, probability))),
    latencyMs: z.optional(milliseconds),
    ...fields,
  });

const errorFields = {
  status: z.optional(z.int(status).check(z.gte(400, status), z.lte(599, status))),
  type: z.optional(oneOf(errorTypes)),
  retryAfterSeconds: z.optional(integer('seconds, 0 or more', 0)),
};

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
] as const;

export const faultRequest = z.discriminatedUnion(
  'kind',
  kinds,
  `a fault: kind is one of ${kinds.map(({ shape }) => shape.kind.def.values.join()).join(', ')}`,
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
  readonly name: string;
  readonly region: string | undefined;
}

const matches = ({ request, remaining }: Fault, { name, region }: MatchableCall): boolean => {
  if (remaining === 0) return false;
  if (request.method !== undefined && request.method !== name) return false;
  // A call that names the requested region is accepted.
  return request.kind !== 'misdirected' || request.region !== region;
};

/** @param random returns a number from 0 to below 1, as Math.random does */
export const createFaults = (random: () => number) => {
  const faults = new Map<number, Fault>();
  let lastId = 0;

  return {
    add(request: FaultRequest): Fault {
      lastId += 1;
      const added: Fault = { id: lastId, request, remaining: request.count ?? null, applied: 0 };
      faults.set(added.id, added);
      return added;
    },

    /** The oldest fault that matches the call, subject to its probability. Not counted until `markApplied`. */
    next: (call: MatchableCall): Fault | undefined =>
      [...faults.values()].find((one) => matches(one, call) && random() < (one.request.probability ?? 1)),

    markApplied({ id }: Fault): void {
      const found = faults.get(id);
      if (found === undefined) return;
      const remaining = found.remaining === null ? null : found.remaining - 1;
      faults.set(id, { ...found, remaining, applied: found.applied + 1 });
    },

    list: (): readonly Fault[] => [...faults.values()],

    clear: (): void => faults.clear(),
  };
};

export type Faults = ReturnType<typeof createFaults>;

/** The body of `/simulator/faults`; `struck` is the number of calls that the fault affected. */
export const viewFault = ({ id, request, remaining, applied }: Fault) => ({
  id,
  ...request,
  remaining,
  struck: applied,
});

type OfKind<Kind extends FaultRequest['kind']> = Extract<FaultRequest, { kind: Kind }>;

/** Faults that reject a call without executing it. */
export type Refusal = OfKind<'error' | 'chat-inactive' | 'not-a-member' | 'misdirected' | 'expired-token'>;

/** Faults that execute a call and lose its response. */
export type LostResponse = OfKind<'accept-then-hang' | 'accept-then-reset' | 'accept-then-error'>;

/** The result of a call. */
export type CallResult =
  | { readonly kind: 'answer'; readonly body: object }
  | { readonly kind: 'error'; readonly error: LiveChatError }
  | { readonly kind: 'reset' }
  | { readonly kind: 'hang' };

const errorType = (type: string | undefined, status: number): ErrorType =>
  type !== undefined && isErrorType(type) ? type : errorTypeForStatus(status);

/** A missing status is derived from the type, and a missing type from the status. */
const createError = ({ status, type, retryAfterSeconds }: OfKind<'error' | 'accept-then-error'>, fallback: number) =>
  new LiveChatError(errorType(type, status ?? fallback), {
    ...(status !== undefined && { status }),
    retryAfterSeconds,
  });

export const toRefusal = (request: Refusal): LiveChatError => {
  switch (request.kind) {
    case 'error':
      return createError(request, 500);
    case 'chat-inactive':
      return inactiveError(request.form);
    case 'not-a-member':
      return notMemberError();
    case 'misdirected':
      return new LiveChatError('misdirected_request', { data: { region: request.region } });
    case 'expired-token':
      return new LiveChatError('authentication');
  }
};

export const toLostResponse = (request: LostResponse): CallResult => {
  if (request.kind === 'accept-then-hang') return { kind: 'hang' };
  if (request.kind === 'accept-then-reset') return { kind: 'reset' };
  return { kind: 'error', error: createError(request, 503) };
};
