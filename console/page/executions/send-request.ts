import * as z from 'zod/mini';
import { parseJson } from '../app/api.ts';

const sendRequest = z.object({
  detail: z.object({
    data: z.object({
      conversationId: z.string(),
      requestId: z.string(),
      messages: z.array(z.looseObject({ type: z.string(), content: z.unknown() })),
    }),
  }),
});

/** The send request (docs/reference/send-request.md) in an execution's input; undefined if the input has another shape. */
export function parseSendRequest(input: string | undefined) {
  return sendRequest.safeParse(parseJson(input)).data?.detail.data;
}
