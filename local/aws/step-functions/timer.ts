/** Above this delay Node's timers fire at once. */
const maxTimerMs = 2 ** 31 - 1;

/** Calls back after any delay, such as a wait of a year. The returned function cancels it. */
export function startTimer(ms: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout;
  const start = (left: number): void => {
    timer = setTimeout(() => (left > maxTimerMs ? start(left - maxTimerMs) : callback()), Math.min(left, maxTimerMs));
  };
  start(Math.max(0, ms));
  return () => clearTimeout(timer);
}

/** Rejects when the signal aborts. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  signal.throwIfAborted();
  const abort = (): void => {
    cancel();
    reject(signal.reason);
  };
  const cancel = startTimer(ms, () => {
    signal.removeEventListener('abort', abort);
    resolve();
  });
  signal.addEventListener('abort', abort, { once: true });
  return promise;
}
