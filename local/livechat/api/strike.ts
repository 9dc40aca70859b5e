import type { FaultRequest } from '../control/requests.ts';
import { type ErrorType, isErrorType, LiveChatError, typeOfStatus } from './errors.ts';
import { inactive, notMember } from './requirements.ts';

type Of<Kind extends FaultRequest['kind']> = Extract<FaultRequest, { kind: Kind }>;

/** The faults by which a call is refused without having been done. */
export type Refusal = Of<'error' | 'chat-inactive' | 'not-a-member' | 'misdirected' | 'expired-token'>;

/** The faults by which a call is done, and its caller never learns of it. */
export type LostAnswer = Of<'accept-then-hang' | 'accept-then-reset' | 'accept-then-error'>;

/** What becomes of a call. */
export type Outcome =
  | { readonly kind: 'answer'; readonly body: object }
  | { readonly kind: 'error'; readonly error: LiveChatError }
  | { readonly kind: 'reset' }
  | { readonly kind: 'hang' };

const typeOf = (type: string | undefined, status: number): ErrorType =>
  type !== undefined && isErrorType(type) ? type : typeOfStatus(status);

/** Either status or type may be left out: each gives the other. */
const errorOf = ({ status, type, retryAfterSeconds }: Of<'error' | 'accept-then-error'>, fallback: number) =>
  new LiveChatError(typeOf(type, status ?? fallback), { ...(status !== undefined && { status }), retryAfterSeconds });

export const refusalOf = (fault: Refusal): LiveChatError => {
  switch (fault.kind) {
    case 'error':
      return errorOf(fault, 500);
    case 'chat-inactive':
      return inactive(fault.form);
    case 'not-a-member':
      return notMember();
    case 'misdirected':
      return new LiveChatError('misdirected_request', { data: { region: fault.region } });
    case 'expired-token':
      return new LiveChatError('authentication');
  }
};

export const lostAnswerOf = (fault: LostAnswer): Outcome => {
  if (fault.kind === 'accept-then-hang') return { kind: 'hang' };
  if (fault.kind === 'accept-then-reset') return { kind: 'reset' };
  return { kind: 'error', error: errorOf(fault, 503) };
};
