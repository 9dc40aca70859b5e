import * as z from 'zod/mini';
import { classify, LiveChatServerError } from '../errors.ts';
import { debugIdOf } from './headers.ts';
import type { HttpAnswer } from './http.ts';
import type { Method } from './methods.ts';

/** LiveChat's error body, of which any part may be missing or odd. */
const failure = z.looseObject({
  error: z.looseObject({
    type: z.catch(z.optional(z.string()), undefined),
    message: z.catch(z.optional(z.string()), undefined),
    data: z.optional(z.unknown()),
  }),
});

/** What LiveChat did, or the error (thrown) that its answer amounts to. `now` is in ms. */
export function readAnswer<T>(method: Method<T>, answer: HttpAnswer, now: number): T {
  const { status, headers } = answer;
  const body = parseJson(answer.body);
  const error = failure.safeParse(body?.value).data?.error;
  if (error || status < 200 || status > 299) {
    const { type, message, data } = error ?? {};
    throw classify({ status, type, message, data, headers, method: method.name, now });
  }
  if (!body) throw misfit(method, answer, 'JSON');
  const parsed = method.answer.safeParse(body.value);
  if (parsed.success) return parsed.data;
  throw misfit(method, answer, parsed.error.issues[0]?.path.map(String).join('.') || 'a body');
}

/** No body is as good as none: LiveChat answers so where it has nothing to say. */
function parseJson(text: string): { readonly value: unknown } | undefined {
  if (text.trim() === '') return { value: undefined };
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function misfit({ name, writes }: Method<unknown>, { status, headers }: HttpAnswer, lacking: string) {
  const advice = writes ? 'Look for the effect before the call is repeated.' : 'Call again later.';
  return new LiveChatServerError({
    message: `${name}: LiveChat answered HTTP ${status} without ${lacking}. ${advice}`,
    method: name,
    outcome: writes ? 'unknown' : 'refused',
    status,
    debugId: debugIdOf(headers),
  });
}
