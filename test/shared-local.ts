import { inject } from 'vitest';
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

async function read(path: string): Promise<string> {
  const answer = await fetch(new URL(path, inject('sharedEngine')));
  const body = await answer.text();
  if (!answer.ok) throw new Error(`the shared engine did not start: ${body}`);
  return body;
}
