import { rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { credentials } from '../test/configuration-api.ts';
import { type Local, startLocal } from '../test/local.ts';
import { type CapacityRecord, recordCapacity } from './capacity.ts';

/**
 * Runs a benchmark on a local engine of its own. Unlike in the tests, the state machine keeps the delays of its definition:
 * with retries after 50 ms, a burst would measure only the retries.
 */
export async function withLocal<T>(
  environment: Readonly<Record<string, string>>,
  measure: (local: Local) => Promise<T>,
  flags: readonly string[] = [],
): Promise<T> {
  const local = await startLocal({ LOG_LEVEL: 'WARN', ...environment }, flags);
  const idle = async () => {
    await untilIdle(`${local.aws}/_local/idle`, Number.POSITIVE_INFINITY);
  };
  try {
    return await measure({ ...local, idle });
  } finally {
    await local.stop();
  }
}

interface EngineOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
}

/** Prints the lines that the functions log by default. */
export const withLogs: EngineOptions = { environment: { LOG_LEVEL: 'INFO' }, flags: ['--verbose'] };

/** Runs a benchmark of sending on an engine that records the capacity of its reads and writes. */
export async function withCapacity<T>(
  callsPerSecond: number,
  measure: (local: Local, capacity: CapacityRecord) => Promise<T>,
  options: EngineOptions = {},
): Promise<T> {
  const file = join(tmpdir(), `livechat-bench-${process.pid}.jsonl`);
  const { environment, capacity } = recordCapacity(file);
  try {
    const rate = { LIVECHAT_CALLS_PER_SECOND: String(callsPerSecond) };
    const settings = { ...environment, ...credentials, ...rate, ...options.environment };
    return await withLocal(settings, (local) => measure(local, capacity), options.flags);
  } finally {
    rmSync(file);
  }
}

/** Waits until all executions have ended and their events are handled. Returns false after the limit. */
export function waitForExecutions(local: Local, limitMs = Number.POSITIVE_INFINITY): Promise<boolean> {
  return untilIdle(`${local.aws}/_local/idle?executions=wait`, limitMs);
}

/** The engine responds when it is idle, or after a minute with an error. */
async function untilIdle(url: string, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (performance.now() < deadline) {
    const response = await fetch(url);
    await response.body?.cancel();
    if (response.ok) return true;
  }
  return false;
}

const usage = z.object({ user: z.number(), system: z.number() });

/**
 * Measures from now until the returned function is called: CPU time of the whole local engine, simulator included, in ms, and
 * its share of all cores, from 0 to 1. Other load on the machine affects it less than wall-clock time.
 */
export async function measureCpu(local: Local) {
  const start = performance.now();
  const before = await cpuMs(local);
  return async () => {
    const ms = (await cpuMs(local)) - before;
    return { ms, share: ms / ((performance.now() - start) * availableParallelism()) };
  };
}

/** CPU time of the whole local engine since its start, in ms. */
export async function cpuMs(local: Local): Promise<number> {
  const { user, system } = usage.parse(await (await fetch(`${local.aws}/_local/cpu`)).json());
  return (user + system) / 1000;
}

/** Prints to stderr, so that it does not mix with tables or JSON. */
export function reportProgress(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Rounds to two decimal places. */
export const round2 = (value: number): number => Math.round(value * 100) / 100;
