import { signal } from '@preact/signals';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import * as z from 'zod/mini';
import type { ApiResponses } from '../../api.ts';
import type { Flow } from '../../flow.ts';
import type { AboutConsole } from '../../server.ts';

/** A failed call, with a message for the user. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

const errorBody = z.object({
  error: z.object({ field: z.optional(z.string()), expected: z.optional(z.string()), message: z.optional(z.string()) }),
});

/** The response of each GET under /api. */
interface Responses extends ApiResponses {
  readonly '/console': AboutConsole;
  readonly '/flow': Flow;
}

type Query = Readonly<Record<string, string | number | undefined>>;

/** GET under /api. `query.id` fills `:id` in the path. `signal` cancels the call. */
export function get<Path extends keyof Responses>(
  path: Path,
  query: Query = {},
  signal?: AbortSignal,
): Promise<Responses[Path]> {
  const { id, ...rest } = query;
  const parameters = Object.entries(rest).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  const filled = path.replace(':id', encodeURIComponent(id ?? ''));
  const search = parameters.length > 0 ? `?${new URLSearchParams(parameters)}` : '';
  return call('GET', `/api${filled}${search}`, undefined, signal);
}

/** Calls the console's own origin. */
export async function call<Body>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Body> {
  const response = await fetch(path, {
    method,
    ...(signal && { signal }),
    ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  }).catch((cause: unknown) => {
    throw new ApiError(0, 'The console does not respond. Check that it is still running in its terminal.', { cause });
  });
  if (response.ok) return response.json();
  throw new ApiError(
    response.status,
    errorText(errorBody.safeParse(await response.json().catch(() => undefined)).data, response),
  );
}

function errorText(body: z.infer<typeof errorBody> | undefined, { status }: Response): string {
  const { field, expected, message } = body?.error ?? {};
  if (message) return message;
  if (field && expected) return `${field}: expected ${expected}`;
  return `The console responded with status ${status}.`;
}

/** A loaded value that can be reloaded: the previous value stays until the new one arrives. */
export interface Resource<T> {
  readonly value: T | undefined;
  readonly failure: ApiError | undefined;
  readonly loading: boolean;
  reload(): void;
}

/** Loads on the first render and when `key` changes. Reloads requested during a load cause one more load after it. */
export function useResource<T>(key: string, load: () => Promise<T>): Resource<T> {
  const [state, setState] = useState<Omit<Resource<T>, 'reload'> & { key: string }>({
    key,
    value: undefined,
    failure: undefined,
    loading: true,
  });
  const latest = useRef(load);
  latest.current = load;
  /** The load in progress, and whether another load follows it. */
  const busy = useRef<{ key: string; repeat: boolean }>(undefined);

  const reload = useCallback(() => {
    if (busy.current?.key === key) {
      busy.current.repeat = true;
      return;
    }
    const current = { key, repeat: false };
    busy.current = current;
    setState((before) => ({ ...before, value: before.key === key ? before.value : undefined, key, loading: true }));
    const finish = (change: { value: T } | { failure: ApiError }) => {
      if (busy.current !== current) return;
      busy.current = undefined;
      setState((before) => ({ ...before, failure: undefined, ...change, loading: false }));
      if (current.repeat) reload();
    };
    latest.current().then(
      (value) => finish({ value }),
      (error: unknown) => finish({ failure: error instanceof ApiError ? error : new ApiError(0, String(error)) }),
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

/** Runs the user's commands; `problem` is the error message of the latest one, or empty. */
export function useCommand() {
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const run = <T>(work: Promise<T>, onSuccess: (value: T) => void): void => {
    setBusy(true);
    setProblem('');
    work.then(onSuccess, ({ message }: Error) => setProblem(message)).finally(() => setBusy(false));
  };
  return { problem, busy, run };
}

/** The deployed stage that the console shows; undefined for the local engine and until it is loaded. */
export const stage = signal<string | undefined>(undefined);
