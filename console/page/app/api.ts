import { signal } from '@preact/signals';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import * as z from 'zod/mini';
import type { Answers } from '../../responses.ts';

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

/** Something that is loaded, and loaded again: what was there stays while newer is on its way. */
export interface Resource<T> {
  readonly value: T | undefined;
  readonly failure: CallFailed | undefined;
  readonly loading: boolean;
  reload(): void;
}

/** Loads when the page opens and whenever `key` changes; what is asked for while an answer is on its way is asked once more. */
export function useResource<T>(key: string, load: () => Promise<T>): Resource<T> {
  const [state, setState] = useState<Omit<Resource<T>, 'reload'> & { key: string }>({
    key,
    value: undefined,
    failure: undefined,
    loading: true,
  });
  const latest = useRef(load);
  latest.current = load;
  /** Which key is being loaded, and whether it is to be loaded once more after that. */
  const busy = useRef<{ key: string; again: boolean }>(undefined);

  const reload = useCallback(() => {
    if (busy.current?.key === key) {
      busy.current.again = true;
      return;
    }
    const mine = { key, again: false };
    busy.current = mine;
    setState((before) => ({ ...before, value: before.key === key ? before.value : undefined, key, loading: true }));
    const settle = (change: { value: T } | { failure: CallFailed }) => {
      if (busy.current !== mine) return;
      busy.current = undefined;
      setState((before) => ({ ...before, failure: undefined, ...change, loading: false }));
      if (mine.again) reload();
    };
    latest.current().then(
      (value) => settle({ value }),
      (error: unknown) => settle({ failure: error instanceof CallFailed ? error : new CallFailed(0, String(error)) }),
    );
  }, [key]);

  useEffect(reload, [reload]);
  const current = state.key === key;
  return {
    value: current ? state.value : undefined,
    failure: current ? state.failure : undefined,
    loading: !current || state.loading,
    reload,
  };
}

/** The name of the deployed stage that the console is for; undefined on this machine, and until that is known. */
export const stage = signal<string | undefined>(undefined);
