import { type Command, Option } from 'commander';
import * as z from 'zod/mini';
import {
  address,
  commandGroup,
  flag,
  organizationOption,
  plainCommand,
  positiveNumber,
  wholeNumber,
  withInput,
} from '../command.ts';

const chatOptions = z.object({
  simulator: address,
  customer: z.optional(z.string()),
  text: z.optional(z.string()),
  script: z.optional(z.string()),
  json: flag,
});
export type ChatOptions = z.infer<typeof chatOptions>;

const loadOptions = z.object({
  simulator: address,
  chats: wholeNumber(1),
  messages: wholeNumber(0),
  rate: z.optional(positiveNumber),
  concurrency: wholeNumber(1),
  json: flag,
});
export type LoadOptions = z.infer<typeof loadOptions>;

const seed = z.coerce.number().check(z.refine((value) => Number.isSafeInteger(value) && value >= 0));
const replayOptions = z.object({
  path: z.array(z.string()),
  url: address,
  secret: z.optional(z.string()),
  signature: flag,
  organization: organizationOption,
  repeat: wholeNumber(1),
  shuffle: z.optional(
    z.union([z.literal(true), seed], 'the last option without a seed, or have a whole number as its seed'),
  ),
  rate: z.optional(positiveNumber),
  concurrency: wholeNumber(1),
  json: flag,
});
export type ReplayOptions = z.infer<typeof replayOptions>;

const withSimulator = (command: Command): Command =>
  command.option('--simulator <address>', 'the address of the simulator', 'http://localhost:4600');

const chatCommand = () =>
  withSimulator(
    plainCommand('chat', {
      description: 'Plays one chat on the simulator: the default scenario or a script.',
      examples: [
        'simulate chat --customer "Dana Whitfield" --text "Where is my parcel?"',
        'simulate chat --script hello.json --json',
      ],
    }),
  )
    .option('--customer <name>', "the customer's name")
    .option('--text <text>', 'the first message')
    .option(
      '--script <file>',
      'a JSON array of steps, each a body of POST /simulator/chats/:id/events; the first can be a body of POST /simulator/chats; the eventId "$previous" is replaced by the id of the last event',
    )
    .addHelpText(
      'after',
      '\nA script, hello.json:\n  [{"action":"message","text":"Hello"},{"as":"agent","action":"close"}]',
    )
    .action(withInput(chatOptions, async (input) => (await import('../simulate/chat.ts')).simulateChat(input)));

const loadCommand = () =>
  withSimulator(
    plainCommand('load', {
      description: 'Plays many chats on the simulator at the same time.',
      examples: ['simulate load --chats 100 --messages 20', 'simulate load --chats 1000 --rate 200 --json'],
    }),
  )
    .option('--chats <number>', 'the number of chats', '10')
    .option('--messages <number>', 'the number of messages in each chat after the first', '10')
    .option('--rate <per-second>', 'the maximum number of calls per second (default: no limit)')
    .option('--concurrency <number>', 'the number of chats at the same time', '50')
    .action(withInput(loadOptions, async (input) => (await import('../simulate/load.ts')).simulateLoad(input)));

const replayCommand = () =>
  plainCommand('replay', {
    description: 'Sends recorded webhook bodies to an address. Fails if a response is not 200.',
    examples: [
      'simulate replay test/fixtures/livechat',
      'simulate replay test/fixtures/livechat --repeat 3 --shuffle 42 --concurrency 20',
      'simulate replay body.json --signature --url https://example.com/livechat/webhook',
    ],
  })
    .argument(
      '<path...>',
      'files or folders; of a folder, the files listed in its file ORDER, or else every *.json by name',
    )
    .option('--url <address>', 'the address to send to', 'http://localhost:3000/livechat/webhook')
    .addOption(
      new Option('--secret <secret>', 'the webhook secret, which replaces the recorded one').env(
        'LIVECHAT_WEBHOOK_SECRET',
      ),
    )
    .option('--signature', 'sign the body with the secret (X-Signature) instead of adding the secret to the body')
    .option('--organization <uuid>', 'the organization_id, which replaces the recorded one')
    .option('--repeat <number>', 'send each body this many times in a row', '1')
    .option(
      '--shuffle [seed]',
      'send in random order; the same seed gives the same order (default: a new seed, printed)',
    )
    .option('--rate <per-second>', 'the maximum number of requests per second (default: no limit)')
    .option('--concurrency <number>', 'the number of requests at the same time; above 1 the order is not kept', '1')
    .action(withInput(replayOptions, async (input) => (await import('../simulate/replay.ts')).simulateReplay(input)));

export const register = (program: Command): void => {
  const help = {
    description: 'Acts as LiveChat: plays one chat, many chats or recorded webhooks.',
    examples: [
      'simulate chat',
      'simulate load --chats 100 --messages 20',
      'simulate replay test/fixtures/livechat --secret "$SECRET"',
    ],
  };
  program.addCommand(commandGroup('simulate', help, [chatCommand(), loadCommand(), replayCommand()]));
};
