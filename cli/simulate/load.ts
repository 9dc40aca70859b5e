import pLimit from 'p-limit';
import type { LoadOptions } from '../commands/simulate.ts';
import { describeCause, exitCodes } from '../errors.ts';
import { colours, print, printJson } from '../output.ts';
import { withProgress } from '../prompts.ts';
import { createSimulatorClient } from './chat.ts';
import { createThrottle, latency, round1 } from './timing.ts';

/** Plays many chats at once and prints a summary. */
export const simulateLoad = async (options: LoadOptions): Promise<void> => {
  const calls = options.chats * (options.messages + 1);
  const summary = await withProgress('Playing', calls, ({ step }) => runLoad(options, step));
  if (!summary.ok) process.exitCode = exitCodes.failure;
  if (options.json) return printJson(summary);
  const { chats, failedChats, seconds, callsPerSecond, p50Ms, p99Ms, firstError } = summary;
  print(
    `${chats} chats, ${summary.calls} calls in ${seconds} s (${callsPerSecond} per second), p50 ${p50Ms} ms, p99 ${p99Ms} ms`,
  );
  if (firstError !== undefined) print(colours.red(`${failedChats} chats failed. First error: ${firstError}`));
};

/** Messages are numbered, so that a missing or misplaced one is visible. */
const runLoad = async (options: LoadOptions, onCall: () => void) => {
  const client = createSimulatorClient(options.simulator);
  const throttle = createThrottle(options.rate);
  const limit = pLimit(options.concurrency);
  const times: number[] = [];
  const errors: string[] = [];

  const measure = async <Result>(call: () => Promise<Result>): Promise<Result> => {
    await throttle();
    const start = performance.now();
    const result = await call().finally(onCall);
    times.push(performance.now() - start);
    return result;
  };
  const runChat = async (chat: number): Promise<void> => {
    try {
      const customer = { name: `Customer ${chat}` };
      const { chat_id } = await measure(() => client.startChat({ customer, text: `Chat ${chat}, message 0` }));
      for (let n = 1; n <= options.messages; n += 1) {
        const text = `Chat ${chat}, message ${n}`;
        await measure(() => client.addEvent(chat_id, { action: 'message', text }));
      }
    } catch (error) {
      errors.push(describeCause(error));
    }
  };

  const start = performance.now();
  await Promise.all(Array.from({ length: options.chats }, (_, index) => limit(runChat, index + 1)));
  const seconds = (performance.now() - start) / 1000;
  const [firstError] = errors;
  return {
    ok: errors.length === 0,
    chats: options.chats,
    calls: times.length,
    failedChats: errors.length,
    ...(firstError !== undefined && { firstError }),
    seconds: round1(seconds),
    callsPerSecond: round1(times.length / Math.max(seconds, 0.001)),
    ...latency(times),
  };
};
