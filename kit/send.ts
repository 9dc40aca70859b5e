import { randomUUID } from 'node:crypto';
import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type * as z from 'zod/mini';
import type { Compose } from '../core/channel/channel.ts';
import { loadPorts } from '../core/channel/ports.ts';
import { composers } from '../core/channels.ts';
import type { EventMetadata } from '../core/events/schemas.ts';
import type { requestMessage } from '../core/livechat/compose.ts';
import { RequestInvalid } from '../core/outbound/errors.ts';
import { type SendRequestData, validateRequest } from '../core/outbound/request.ts';

export { RequestInvalid };

/** A text, a file or a rich message, for the customer or (`visibility: 'agents'`) as an internal note. */
export type RequestMessage = z.input<typeof requestMessage>;

/** A request to send 1 to 10 messages to one conversation, in order. Its `detail` has at most 200,000 bytes as JSON. */
export interface SendRequest extends Omit<SendRequestData, 'requestId' | 'messages'> {
  /**
   * Requests with the same id are sent once. Derive the id from the cause of the request, so that a retry sends nothing twice.
   * Default: a random id.
   */
  readonly requestId?: string | undefined;
  readonly messages: RequestMessage[];
}

export interface SendOptions {
  /** The name of the sending service, which becomes the `source` of the event. */
  readonly source: string;
  /** Default: `omnichannel`. */
  readonly busName?: string | undefined;
  /** The metadata of the event that caused the request: the events of the request have its `correlationId`. */
  readonly causedBy?: Pick<EventMetadata, 'id' | 'correlationId'> | undefined;
}

/** The bus rejected the request. If `retryable`, send the request again with the same `requestId`. */
export class RequestRejectedError extends Error {
  override readonly name = 'RequestRejected';
  /** EventBridge's error code, such as `ThrottlingException`. */
  readonly code: string;
  readonly retryable: boolean;
  constructor(requestId: string, code: string, reason: string) {
    super(`the bus rejected the request ${requestId} (${code}): ${reason}`);
    this.code = code;
    this.retryable = retryableCodes.has(code);
  }
}

let loaded: ReturnType<typeof loadPorts<Compose<unknown>>> | undefined;

const retryableCodes: ReadonlySet<string> = new Set(['ThrottlingException', 'InternalFailure', 'InternalException']);

/**
 * Validates a request, puts it on the bus, and returns its `requestId`. The bridge then sends it asynchronously: the events
 * `message.sent`, `message.delivered` and `message.failed` report the outcome.
 *
 * Throws `RequestInvalid`, which names each invalid field, before any call; {@link RequestRejectedError} if EventBridge does not accept the
 * event; and the errors of the client.
 */
export async function sendMessages(
  client: EventBridgeClient,
  { requestId = randomUUID(), ...request }: SendRequest,
  { source, busName = 'omnichannel', causedBy }: SendOptions,
): Promise<string> {
  // EventBridge reserves the prefix `aws.`. For an empty source, EventBridge rejects the whole call, not only the entry.
  if (!source || source.startsWith('aws.')) throw new RequestInvalid('source: expected the name of your service');
  const now = Date.now();
  const data = { sentAt: now, ...request, requestId };
  loaded ??= loadPorts(composers);
  const metadata = causedBy && { id: causedBy.id, correlationId: causedBy.correlationId };
  validateRequest(data, await loaded, now, metadata);
  const entry = {
    Source: source,
    DetailType: 'message.send.requested',
    Detail: JSON.stringify({ metadata, data }),
    EventBusName: busName,
  };
  const { Entries = [] } = await client.send(new PutEventsCommand({ Entries: [entry] }));
  const { EventId, ErrorCode = 'Unknown', ErrorMessage = 'no reason given' } = Entries[0] ?? {};
  if (EventId === undefined) throw new RequestRejectedError(requestId, ErrorCode, ErrorMessage);
  return requestId;
}
