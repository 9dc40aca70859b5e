import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { CallFailed } from './api.ts';

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
