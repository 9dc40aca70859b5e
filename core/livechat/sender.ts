import type { Carrier } from '../outbound/carrier.ts';
import { RequestInvalid } from '../outbound/errors.ts';
import type { Piece } from '../outbound/request.ts';
import { required } from '../platform/configuration.ts';
import { readBytes } from '../platform/objects.ts';
import { liveChatCarrier } from './carrier.ts';
import { composeMessages } from './compose/compose.ts';
import type { Part } from './compose/part.ts';
import { InvalidMessagesError, parseMessages } from './compose/request-message.ts';
import { liveChatConnections } from './connection.ts';

/** LiveChat, ready for the send step: composes messages, and gives each organization its way to the API. */
export interface LiveChatSender {
  compose(messages: unknown): readonly Piece<Part>[];
  carrier(organizationId: string): Promise<Carrier<Part>>;
}

export function liveChatSender(environment = process.env): LiveChatSender {
  const connect = liveChatConnections(environment);
  return {
    compose,
    async carrier(organizationId) {
      const connection = await connect(organizationId);
      return liveChatCarrier({ ...connection, readMedia: (key) => readOwn(organizationId, key) });
    },
  };
}

/** A key names a file of this organization alone: another's files lie under its own id. */
async function readOwn(organizationId: string, key: string): Promise<{ bytes: Uint8Array; contentType: string }> {
  if (!key.startsWith(`${organizationId}/`)) {
    throw new RequestInvalid('content.key: expected a key under the organization’s own id');
  }
  return readBytes({ bucket: required('MEDIA_BUCKET', 'the name of the media bucket'), key });
}

function compose(messages: unknown): readonly Piece<Part>[] {
  try {
    return composeMessages(parseMessages(messages)).map(({ part, ...at }) => ({ ...at, content: part }));
  } catch (error) {
    if (error instanceof InvalidMessagesError) throw new RequestInvalid(error.message);
    throw error;
  }
}
