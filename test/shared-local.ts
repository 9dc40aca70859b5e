import { inject, vi } from 'vitest';
import { connectLocal, type RunningLocal } from './local.ts';

export interface SharedLocal extends RunningLocal {
  /** The log of the engine, with the lines of every other test file. */
  output(): Promise<string>;
}

/**
 * The engine that test files share, see `shared-engine.ts`. Each test uses its own chats or organizations. A test that changes
 * shared state, such as faults, routing rules, secrets or a pause, starts its own engine with `startLocal`.
 */
export async function sharedLocal(): Promise<SharedLocal> {
  return { ...connectLocal(JSON.parse(await read('/'))), output: () => read('/output') };
}

/** The shared engine, for tests that import core: sets the environment that modules read when they are imported. */
export async function useSharedLocal(): Promise<SharedLocal> {
  const local = await sharedLocal();
  for (const [name, value] of Object.entries(local.environment)) vi.stubEnv(name, value);
  return local;
}

async function read(path: string): Promise<string> {
  const answer = await fetch(new URL(path, inject('sharedEngine')));
  const body = await answer.text();
  if (!answer.ok) throw new Error(`the shared engine did not start: ${body}`);
  return body;
}
