/** After a longer turn of the event loop no invocation starts. */
const maxTurnMs = 5;

/**
 * Starts at most one invocation in each turn of the event loop. On AWS every instance has its own processor; here all
 * share one, and a burst of new invocations must not delay the running ones.
 */
export function createStartQueue(now: () => number = () => performance.now()) {
  const waiting: (() => void)[] = [];

  function next(): void {
    const startedAt = now();
    setImmediate(() => {
      if (now() - startedAt <= maxTurnMs) waiting.shift()?.();
      if (waiting.length > 0) next();
    });
  }

  return (start: () => void): void => {
    waiting.push(start);
    if (waiting.length === 1) next();
  };
}
