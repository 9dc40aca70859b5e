import type { Channel, SentMessage } from '../../core/channel/channel.ts';
import { LiveChatApiError, toApiError } from '../../core/livechat/errors.ts';

type Method = 'fetch' | 'upload' | 'send' | 'find' | 'resume' | 'append' | 'join' | 'takeOver';

/** The outcomes of a method's first call, its second and so on; an error is thrown. Later calls succeed. */
export type Script = Partial<Record<Method, readonly (Error | 'ok' | 'found')[]>>;

export interface ScriptedCall {
  readonly method: Method;
  /** Where it was called, once an error has named another region. */
  readonly region?: string;
  /** Set for calls with credentials that were read again. */
  readonly fresh?: true;
}

export interface ScriptedChannel {
  readonly channel: Channel<string>;
  readonly calls: ScriptedCall[];
  readonly methods: () => string[];
  /** The `since` of each `find`. */
  readonly since: number[];
  /** The id and content of each `send`. */
  readonly sent: { readonly id: string; readonly content: string }[];
}

export const sentMessage: SentMessage = { threadId: 'thread', messageId: 'message' };

/** A channel that follows a script. `fresh`: how often the credentials have changed when they are read again. */
export function scriptedChannel(script: Script, { fresh = 0, before = async () => {} } = {}): ScriptedChannel {
  const calls: ScriptedCall[] = [];
  const since: number[] = [];
  const sent: { id: string; content: string }[] = [];
  let left = fresh;
  const make = (where: Omit<ScriptedCall, 'method'>): Channel<string> => {
    const call = async (method: Method): Promise<'ok' | 'found'> => {
      const outcome = script[method]?.[calls.filter((one) => one.method === method).length];
      calls.push({ method, ...where });
      await before();
      if (outcome instanceof Error) throw outcome;
      return outcome ?? 'ok';
    };
    return {
      async withFile(content, use) {
        await call('fetch');
        return use(`${content} fetched`);
      },
      upload: async (content) => `${content} ${await call('upload')}`,
      async send(_conversation, message) {
        sent.push(message);
        await call('send');
        return sentMessage;
      },
      async find(_conversation, _id, from) {
        since.push(from);
        return (await call('find')) === 'found' ? sentMessage : undefined;
      },
      resume: async () => void (await call('resume')),
      async append() {
        await call('append');
        return sentMessage;
      },
      join: async () => void (await call('join')),
      takeOver: async () => void (await call('takeOver')),
      inRegion: (region) => make({ ...where, region }),
      async withFreshCredentials() {
        left -= 1;
        return left >= 0 ? make({ ...where, fresh: true }) : undefined;
      },
    };
  };
  return { channel: make({}), calls, since, sent, methods: () => calls.map(({ method }) => method) };
}

const method = 'send_event';
const response = (status: number, type?: string, message = '', data: unknown = {}) =>
  toApiError({ status, type, message, data, headers: {}, method, receivedAt: 0 });
const noResponse = (outcome: 'refused' | 'unknown', code: string) =>
  new LiveChatApiError('Network', { message: '', method, outcome, code });

/** Errors as LiveChat's client throws them. */
export const failures = {
  inactive: response(422, 'chat_inactive'),
  absent: response(403, 'authorization', 'Requester is not user of the chat'),
  crowded: response(422, 'validation', 'Public agents in chat limit reached'),
  otherRegion: (region?: string) => response(421, 'misdirected_request', '', region === undefined ? {} : { region }),
  rateLimit: (retryAfterMs: number | undefined) =>
    new LiveChatApiError('RateLimit', { message: '', method, status: 429, outcome: 'refused', retryAfterMs }),
  serverError: response(500, 'internal'),
  /** LiveChat's own timeout: it goes on. */
  requestTimeout: response(504, 'request_timeout'),
  /** The response of a proxy in front of LiveChat. */
  proxy: (status: number) => response(status),
  noResponse: noResponse('unknown', 'ETIMEDOUT'),
  notConnected: noResponse('refused', 'ECONNREFUSED'),
  clientError: response(422, 'validation'),
  authentication: response(401, 'authentication'),
  /** The credentials are valid, but access to this chat is denied. */
  forbidden: response(403, 'authorization', 'User has no access to the chat'),
  unscoped: response(403, 'authorization', 'Missing scope: chats--all:rw or chats--access:rw'),
};
