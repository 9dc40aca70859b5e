import type { EventData } from '../events/catalogue.ts';
import { putEvent } from '../events/publish.ts';
import type { OutboundRequest } from './carrier.ts';
import { type Piece, parseSendState, requestOf } from './request.ts';

export type SendRequest = EventData<'message.send.requested'>;

/** Checks a request as the send step will, without sending it. Throws RequestInvalid, which names what does not fit. */
export function checkRequest<Content>(
  request: SendRequest,
  compose: (messages: SendRequest['messages']) => readonly Piece<Content>[],
  now: number,
): OutboundRequest<Content> {
  const time = new Date(now).toISOString();
  return requestOf(parseSendState({ id: request.requestId, time, detail: { data: request } }), compose);
}

/** Puts a request on the bus, as any other service would. */
export async function submit(source: string, request: SendRequest): Promise<void> {
  await putEvent({ source, detailType: 'message.send.requested', detail: { data: request } });
}
