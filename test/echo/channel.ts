import * as z from 'zod/mini';
import {
  type Channel,
  ChannelError,
  type Compose,
  type Connect,
  type SentMessage,
} from '../../core/channel/channel.ts';
import { describeIssues, issueText } from '../../core/events/issues.ts';
import { RequestInvalid } from '../../core/outbound/errors.ts';

/** The content of one call to Echo. */
export interface EchoPart {
  readonly text: string;
}

const textMessages = z.array(z.object({ type: z.literal('text'), content: z.string().check(z.minLength(1)) }));

const part = z.object({ text: z.string() });

export const echoTitle = (content: unknown): string | undefined => part.safeParse(content).data?.text;

/** Echo supports only texts. */
export const composeEcho: Compose<EchoPart> = (messages) => {
  const { data, error } = textMessages.safeParse(messages);
  if (error) throw new RequestInvalid(issueText(describeIssues(error, 'messages.')));
  return data.map(({ content: text }, messageIndex) => ({
    messageIndex,
    splitIndex: 0,
    content: { text },
    hasFile: false,
  }));
};

/** The provider, in memory: the accepted messages and the number of failed calls, by conversation and message. */
const accepted = new Map<string, SentMessage>();
const failures = new Map<string, number>();

/**
 * Accepts a message. The text can request a fault: `fail <n>` fails n calls, `lose <n>` accepts the message and fails n calls,
 * `reject` rejects every call.
 */
function accept(key: string, text: string): SentMessage {
  const [verb, count = '0'] = text.split(' ');
  const failed = failures.get(key) ?? 0;
  const fails = (verb === 'fail' || verb === 'lose') && failed < Number(count);
  if (verb === 'reject') {
    const message = 'Echo rejects this message; send another';
    throw new ChannelError('Client', { message, outcome: 'refused', type: 'rejected', status: 400 });
  }
  const sent = accepted.get(key) ?? { threadId: 'only', messageId: `echo-${accepted.size + 1}` };
  if (!fails || verb === 'lose') accepted.set(key, sent);
  if (!fails) return sent;
  failures.set(key, failed + 1);
  const outcome = verb === 'lose' ? 'unknown' : 'refused';
  throw new ChannelError('Server', { message: 'Echo is busy; try again', outcome, type: 'busy', status: 503 });
}

const unsupported = async (): Promise<never> => {
  throw new ChannelError('Client', { message: 'Echo cannot do this', outcome: 'refused' });
};

/** Connects the send step to the account of an organization. */
export function connectEcho(): Connect<EchoPart> {
  return async (organizationId) => {
    const key = (conversationId: string, id: string) => JSON.stringify([organizationId, conversationId, id]);
    const channel: Channel<EchoPart> = {
      inRegion: () => channel,
      withFreshCredentials: async () => undefined,
      withFile: (content, use) => use(content),
      upload: async (content) => content,
      send: async (conversationId, { id, content }) => accept(key(conversationId, id), content.text),
      find: async (conversationId, id) => accepted.get(key(conversationId, id)),
      resume: unsupported,
      append: unsupported,
      join: unsupported,
      takeOver: unsupported,
    };
    return channel;
  };
}
