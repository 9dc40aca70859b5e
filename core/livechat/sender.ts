import { sendingRules } from '../media/settings.ts';
import { type Carrier, longestFetchMs } from '../outbound/carrier.ts';
import { RequestInvalid } from '../outbound/errors.ts';
import type { Piece } from '../outbound/request.ts';
import { liveChatCarrier } from './carrier.ts';
import { composeMessages } from './compose/compose.ts';
import type { Part } from './compose/part.ts';
import { InvalidMessagesError, parseMessages } from './compose/request-message.ts';
import { liveChatConnections } from './connection.ts';
import { withFile } from './files.ts';

/** LiveChat, ready for the send step: composes messages, and gives each organization its way to the API. */
export interface LiveChatSender {
  compose(messages: unknown): readonly Piece<Part>[];
  carrier(organizationId: string): Promise<Carrier<Part>>;
}

export function liveChatSender(environment = process.env): LiveChatSender {
  const connect = liveChatConnections(environment);
  const rules = sendingRules(longestFetchMs, environment);
  return {
    compose,
    async carrier(organizationId) {
      const connection = await connect(organizationId);
      return liveChatCarrier({
        ...connection,
        withFile: (source, use) => withFile(organizationId, source, rules, use),
      });
    },
  };
}

function compose(messages: unknown): readonly Piece<Part>[] {
  try {
    return composeMessages(parseMessages(messages)).map(({ part, ...at }) => ({ ...at, content: part }));
  } catch (error) {
    if (error instanceof InvalidMessagesError) throw new RequestInvalid(error.message);
    throw error;
  }
}
