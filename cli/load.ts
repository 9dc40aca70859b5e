import pLimit from 'p-limit';
import { describeCause } from './errors.ts';
import type { Clock, Pace } from './pace.ts';
import { percentile, rounded } from './percentile.ts';
import type { SimulatorClient } from './simulator.ts';

export interface Load {
  readonly chats: number;
  /** After the first one of each chat. */
  readonly messages: number;
  /** How many chats speak at the same time. */
  readonly concurrency: number;
}

export interface LoadSummary {
  readonly ok: boolean;
  readonly chats: number;
  readonly calls: number;
  readonly failedChats: number;
  readonly firstError?: string;
  readonly seconds: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Many chats at once. The messages are numbered, so that a reader can tell whether one is missing or out of order. */
export const runLoad = async (load: Load, client: SimulatorClient, pace: Pace, clock: Clock): Promise<LoadSummary> => {
  const times: number[] = [];
  const errors: string[] = [];
  const limit = pLimit(load.concurrency);

  const timed = async <Result>(call: () => Promise<Result>): Promise<Result> => {
    await pace();
    const began = clock.now();
    const result = await call();
    times.push(clock.now() - began);
    return result;
  };

  const runChat = async (number: number): Promise<void> => {
    try {
      const customer = { name: `Customer ${number}` };
      const { chat_id } = await timed(() => client.start({ customer, text: `Chat ${number}, message 0` }));
      for (let n = 1; n <= load.messages; n++) {
        await timed(() => client.act(chat_id, { action: 'message', text: `Chat ${number}, message ${n}` }));
      }
    } catch (error) {
      errors.push(describeCause(error));
    }
  };

  const began = clock.now();
  await Promise.all(Array.from({ length: load.chats }, (_, index) => limit(runChat, index + 1)));
  const seconds = (clock.now() - began) / 1000;
  const [firstError] = errors;
  return {
    ok: errors.length === 0,
    chats: load.chats,
    calls: times.length,
    failedChats: errors.length,
    ...(firstError !== undefined && { firstError }),
    seconds: rounded(seconds),
    callsPerSecond: rounded(times.length / Math.max(seconds, 0.001)),
    p50Ms: rounded(percentile(times, 50)),
    p99Ms: rounded(percentile(times, 99)),
  };
};
