import * as z from 'zod/mini';
import type { Answers } from '../../answers.ts';

/** What went wrong with a call, in words for whoever looks at the page. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  readonly status: number;
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

const refusal = z.object({
  error: z.object({ field: z.optional(z.string()), expected: z.optional(z.string()), message: z.optional(z.string()) }),
});

type Query = Readonly<Record<string, string | number | undefined>>;

/** GET under /api. `:id` in the path is taken from `query.id`. A `signal` ends the wait for the answer. */
export function get<Path extends keyof Answers>(
  path: Path,
  query: Query = {},
  signal?: AbortSignal,
): Promise<Answers[Path]> {
  const { id, ...rest } = query;
  const given = Object.entries(rest).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  const filled = path.replace(':id', encodeURIComponent(id ?? ''));
  const search = given.length > 0 ? `?${new URLSearchParams(given)}` : '';
  return call('GET', `/api${filled}${search}`, undefined, signal);
}

/** Any call of the console's own origin. */
export async function call<Answer>(
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Answer> {
  const answer = await fetch(path, {
    method,
    ...(signal && { signal }),
    ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  }).catch((cause: unknown) => {
    throw new CallFailed(0, 'The console does not answer. Is it still running in its terminal?', { cause });
  });
  if (answer.ok) return answer.json();
  throw new CallFailed(
    answer.status,
    wordsOf(refusal.safeParse(await answer.json().catch(() => undefined)).data, answer),
  );
}

function wordsOf(given: z.infer<typeof refusal> | undefined, { status }: Response): string {
  const { field, expected, message } = given?.error ?? {};
  if (message) return message;
  if (field && expected) return `${field}: expected ${expected}`;
  return `The console answered ${status}.`;
}
