import type { Command } from 'commander';
import * as z from 'zod/mini';
import { plainCommand } from '../command.ts';
import { runLoad } from '../load.ts';
import { address, flag, parseOptions, positiveNumber, wholeNumber } from '../options.ts';
import { colours, print, printJson } from '../output.ts';
import { createPace, systemClock } from '../pace.ts';
import { withProgress } from '../progress.ts';
import { connectSimulator, type SimulatorClient } from '../simulator.ts';

const loadOptions = z.object({
  simulator: address,
  chats: wholeNumber(1),
  messages: wholeNumber(0),
  rate: z.optional(positiveNumber),
  concurrency: wholeNumber(1),
  json: flag,
});

/** The same client, which tells of each call that has ended. */
const stepping = ({ start, act }: SimulatorClient, step: () => void): SimulatorClient => ({
  start: (body) => start(body).finally(step),
  act: (chatId, body) => act(chatId, body).finally(step),
});

const run = async (options: z.infer<typeof loadOptions>): Promise<void> => {
  const pace = createPace(options.rate, systemClock);
  const client = connectSimulator(options.simulator);
  const summary = await withProgress('Playing', options.chats * (options.messages + 1), ({ step }) =>
    runLoad(options, stepping(client, step), pace, systemClock),
  );
  if (!summary.ok) process.exitCode = 1;
  if (options.json) return printJson(summary);
  const { chats, calls, failedChats, seconds, callsPerSecond, p50Ms, p99Ms, firstError } = summary;
  print(
    `${chats} chats, ${calls} calls in ${seconds} s (${callsPerSecond} a second), p50 ${p50Ms} ms, p99 ${p99Ms} ms`,
  );
  if (firstError !== undefined) print(colours.red(`${failedChats} chats failed; the first: ${firstError}`));
};

export const loadCommand = (): Command =>
  plainCommand('load', {
    description: 'Plays many chats on the simulator at the same time.',
    examples: ['simulate load --chats 100 --messages 20', 'simulate load --chats 1000 --rate 200 --json'],
  })
    .option('--simulator <address>', 'where the simulator listens', 'http://localhost:4600')
    .option('--chats <number>', 'how many chats', '10')
    .option('--messages <number>', 'how many messages in each, after the first', '10')
    .option('--rate <per-second>', 'at most so many calls a second in all; without it as fast as it goes')
    .option('--concurrency <number>', 'how many chats at the same time', '50')
    .action((options: unknown) => run(parseOptions(loadOptions, options)));
