/** A round of the event loop that takes longer than this, ms, has no room for another invocation. */
const maxTurnMs = 5;

/**
 * Starts invocations one by one, each when the thread has room for it. On AWS every instance has a processor of its
 * own; here they share one, and a burst of new ones must not hold up those that are at work.
 */
export function createStartQueue(now: () => number = () => performance.now()) {
  const waiting: (() => void)[] = [];

  function next(): void {
    const began = now();
    setImmediate(() => {
      if (now() - began <= maxTurnMs) waiting.shift()?.();
      if (waiting.length > 0) next();
    });
  }

  return (start: () => void): void => {
    waiting.push(start);
    if (waiting.length === 1) next();
  };
}
