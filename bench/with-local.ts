import { type Local, startLocal } from '../test/local.ts';

/**
 * Starts the whole local engine for one benchmark, and stops it whatever happens. Unlike the tests' it keeps to the waits
 * of the state machine's definition: a burst that is tried again every 50 ms would measure only that.
 */
export async function withLocal<T>(
  environment: Readonly<Record<string, string>>,
  measure: (local: Local) => Promise<T>,
): Promise<T> {
  const local = await startLocal({ LOG_LEVEL: 'WARN', ...environment }, []);
  const idle = async () => {
    await untilIdle(`${local.aws}/_local/idle`, Number.POSITIVE_INFINITY);
  };
  try {
    return await measure({ ...local, idle });
  } finally {
    await local.stop();
  }
}

/** Waits until all runs have ended and all that follows from them is done. Answers false when that takes longer than the limit. */
export function settled(local: Local, limitMs = Number.POSITIVE_INFINITY): Promise<boolean> {
  return untilIdle(`${local.aws}/_local/idle?executions=wait`, limitMs);
}

/** The engine answers after a minute at the latest, idle or not. */
async function untilIdle(url: string, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (performance.now() < deadline) {
    const answer = await fetch(url);
    await answer.body?.cancel();
    if (answer.ok) return true;
  }
  return false;
}

/** A benchmark that takes long says how far it is, where it disturbs no table and no JSON. */
export function reportProgress(line: string): void {
  process.stderr.write(`${line}\n`);
}
