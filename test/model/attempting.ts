import {
  type LiveChatApiError,
  LiveChatNetworkError,
  LiveChatRateLimitError,
  toApiError,
} from '../../core/livechat/errors.ts';
import { Attempt } from '../../core/outbound/attempt.ts';
import type { OutboundRequest, SendOptions, Sent } from '../../core/outbound/carrier.ts';
import type { History, Release } from '../../core/outbound/delivery.ts';
import type { Gate } from '../../core/outbound/gate/gate.ts';
import { Passage } from '../../core/outbound/gate/passage.ts';
import type { Did } from '../../core/outbound/tries.ts';
import { type Script, type ScriptedCarrier, scriptedCarrier } from './scripted-carrier.ts';
import { memoryStores } from './stores.ts';
import { VirtualTime } from './virtual-time.ts';

const answered = (status: number, type: string, message = '', data: unknown = {}): LiveChatApiError =>
  toApiError({ status, type, message, data, headers: {}, method: 'send_event', receivedAt: 0 });

/** Errors as LiveChat's client throws them. */
export const failures = {
  inactive: answered(422, 'chat_inactive'),
  absent: answered(403, 'authorization', 'Requester is not user of the chat'),
  crowded: answered(422, 'validation', 'Public agents in chat limit reached'),
  elsewhere: (region?: string) => answered(421, 'misdirected_request', '', region === undefined ? {} : { region }),
  fourTwoNine: (retryAfterMs: number | undefined) =>
    new LiveChatRateLimitError({ message: '', method: 'send_event', status: 429, outcome: 'refused', retryAfterMs }),
  serverError: answered(500, 'internal'),
  refused: new LiveChatNetworkError({ message: '', method: 'send_event', outcome: 'refused', code: 'ECONNREFUSED' }),
  clientError: answered(422, 'validation'),
  authentication: answered(401, 'authentication'),
};

export function timeout(which: 'answered' | 'none' | 'never left'): LiveChatApiError {
  if (which === 'answered') return answered(504, 'request_timeout');
  if (which === 'never left') return failures.refused;
  return new LiveChatNetworkError({ message: '', method: 'send_event', outcome: 'unknown', code: 'ETIMEDOUT' });
}

export interface Setting {
  readonly script?: Script;
  readonly history?: Partial<History>;
  readonly options?: Partial<SendOptions>;
  /** How often fresh credentials are other ones. */
  readonly fresh?: number;
  readonly callTakesMs?: number;
  readonly deadline?: number;
  readonly expiresAt?: number;
  /** What the gate is when the attempt begins. */
  readonly opened?: Partial<Gate>;
}

export interface Attempting extends Pick<ScriptedCarrier, 'calls' | 'methods' | 'since'> {
  readonly run: () => Promise<Sent>;
  readonly release: () => Release;
  readonly did: () => readonly Did[];
  readonly gate: () => Promise<Gate>;
  readonly time: VirtualTime;
  /** How often a human was called. */
  readonly locked: () => number;
}

const key = { organizationId: 'organization', conversationId: 'chat', requestId: 'request' };
const part = { ...key, id: 'out-1', fingerprint: 'content', content: 'Hi' };

/** One attempt in virtual time, from 0 on, with a carrier that follows a script. */
export function attempting({ script = {}, callTakesMs = 0, fresh = 0, ...setting }: Setting = {}): Attempting {
  const time = new VirtualTime(1);
  const store = memoryStores(10).gate;
  const { carrier, ...scripted } = scriptedCarrier(script, { fresh, before: () => time.sleep(callTakesMs) });
  const request: OutboundRequest<string> = {
    ...key,
    parts: [part],
    options: { onInactive: 'resume', onAbsent: 'join', ...setting.options },
    requestedAt: 0,
    publishedAt: 0,
    expiresAt: setting.expiresAt ?? 900_000,
    redrive: 0,
    correlationId: 'correlation',
    causationId: 'cause',
  };
  let locked = 0;
  const attempt = new Attempt({
    request,
    part,
    history: { attempts: 0, unknown: false, settledAt: 0, firstAttemptAt: 0, lastError: '', ...setting.history },
    carrier,
    passage: new Passage({ store, clock: time, organizationId: key.organizationId, run: 'run', returning: true }),
    clock: time,
    deadline: setting.deadline ?? 60_000,
    onLocked: async () => {
      locked += 1;
    },
  });
  const run = async () => {
    await store.update(key.organizationId, { when: [], set: setting.opened ?? {} });
    return attempt.run();
  };
  return {
    ...scripted,
    time,
    run: () => time.until(run(), 3_600_000),
    release: () => attempt.release,
    did: () => attempt.did,
    gate: () => store.read(key.organizationId),
    locked: () => locked,
  };
}
