import { computed, signal } from '@preact/signals';
import { useEffect, useMemo, useState } from 'preact/hooks';
import * as z from 'zod/mini';
import { carrierOf } from '../../../core/channel/carrier.ts';
import type { AboutConsole, ConsoleResponses } from '../../server.ts';
import { type Query, queryString } from './route.ts';
import { connected, type StreamedEvent, watchChanges } from './stream.ts';

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

/** GET under /api. `query.id` fills `:id` in the path. `signal` cancels the call. */
export function get<Path extends keyof ConsoleResponses>(
  path: Path,
  query: Query = {},
  signal?: AbortSignal,
): Promise<ConsoleResponses[Path]> {
  const { id, ...rest } = query;
  const filled = path.replace(':id', encodeURIComponent(id ?? ''));
  return call('GET', `/api${filled}${queryString(rest)}`, undefined, signal);
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

/** Loads a value, given the previous one. */
export type Load<T> = (before: T | undefined) => Promise<T>;

export interface ReloadOptions {
  /** Reloads after an event that it accepts. */
  readonly changedBy?: (event: StreamedEvent) => boolean;
  /** Minimum time between such reloads. */
  readonly minIntervalMs?: number;
  readonly everyMs?: number;
}

/** Loads on the first render and when `key` changes. The previous value stays until a reload has succeeded. */
export function useResource<T>(key: string, load: Load<T>, options: ReloadOptions = {}) {
  const { changedBy, minIntervalMs, everyMs } = options;
  const { state, reload } = useMemo(() => createResource(load), [key]);
  useEffect(() => {
    void reload();
    const timer = everyMs && setInterval(reload, everyMs);
    return () => clearInterval(timer);
  }, [reload]);
  useEffect(() => changedBy && watchChanges(changedBy, reload, minIntervalMs), [reload]);
  const connection = connected.value;
  useEffect(() => {
    if (connection === 'live' && state.peek().failure) void reload();
  }, [connection, reload]);
  return { ...state.value, reload };
}

function createResource<T>(load: Load<T>) {
  const state = signal<{ readonly value?: T; readonly failure?: Error }>({});
  let busy = false;
  let repeat = false;
  /** Calls during a load cause one more load after it. */
  const reload = async (): Promise<void> => {
    repeat = true;
    if (busy) return;
    busy = true;
    while (repeat) {
      repeat = false;
      const { value: before } = state.value;
      state.value = await load(before).then(
        (value) => ({ value }),
        (failure: Error) => ({ ...state.value, failure }),
      );
    }
    busy = false;
  };
  return { state, reload };
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

/** What the console shows and offers; undefined until it is loaded. */
export const about = signal<AboutConsole | undefined>(undefined);

/** The deployed stage that the console shows; undefined for the local engine. */
export const stage = computed(() => about.value?.stage);

/** Whether the page Sandbox is available. */
export const hasSandbox = computed(() => about.value?.simulator === true);

export function organizationName(id: string): string {
  return about.value?.organizationNames[id] ?? id;
}

/** The channels of the bridge, for texts about all organizations. */
export function allChannels(): string {
  return Object.values(about.value?.channelNames ?? {}).join(' or ') || 'the channel';
}

/** The name of an organization's channel. */
export function channelName(organizationId: string): string {
  const carrier = carrierOf(organizationId);
  return about.value?.channelNames[carrier] ?? carrier;
}
