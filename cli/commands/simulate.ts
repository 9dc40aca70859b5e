import { Option } from '@commander-js/extra-typings';
import * as z from 'zod/mini';
import {
  address,
  commandGroup,
  minLength,
  option,
  plainCommand,
  positiveNumber,
  uuid,
  wholeNumber,
} from '../command.ts';

const simulator = option('--simulator <address>', 'the address of the simulator', address).default(
  'http://localhost:4600',
);

const chat = plainCommand('chat', {
  description: 'Plays one chat on the simulator: the default scenario or a script.',
  examples: [
    'simulate chat --customer "Dana Whitfield" --text "Where is my parcel?"',
    'simulate chat --script hello.json --json',
  ],
})
  .addOption(simulator)
  .option('--customer <name>', "the customer's name")
  .option('--text <text>', 'the first message')
  .addOption(
    option(
      '--script <file>',
      'a JSON array of steps, each a body of POST /simulator/chats/:id/events; the first can be a body of POST /simulator/chats; the eventId "$previous" is replaced by the id of the last event',
      minLength(1, 'the path of a JSON file'),
    ),
  )
  .addHelpText(
    'after',
    '\nA script, hello.json:\n  [{"action":"message","text":"Hello"},{"as":"agent","action":"close"}]',
  );
export type ChatOptions = ReturnType<typeof chat.opts>;

const load = plainCommand('load', {
  description: 'Plays many chats on the simulator at the same time.',
  examples: ['simulate load --chats 100 --messages 20', 'simulate load --chats 1000 --rate 200 --json'],
})
  .addOption(simulator)
  .addOption(option('--chats <number>', 'the number of chats', wholeNumber(1)).default(10))
  .addOption(
    option('--messages <number>', 'the number of messages in each chat after the first', wholeNumber(0)).default(10),
  )
  .addOption(
    option('--rate <per-second>', 'the maximum number of calls per second (default: no limit)', positiveNumber),
  )
  .addOption(option('--concurrency <number>', 'the number of concurrent chats', wholeNumber(1)).default(50));
export type LoadOptions = ReturnType<typeof load.opts>;

const seedExpected = 'the last option without a seed, or have a whole number as its seed';
const replay = plainCommand('replay', {
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
  .addOption(
    option('--url <address>', 'the address to send to', address).default('http://localhost:3000/livechat/webhook'),
  )
  .addOption(
    new Option('--secret <secret>', 'the webhook secret, which replaces the recorded one').env(
      'LIVECHAT_WEBHOOK_SECRET',
    ),
  )
  .option('--signature', 'sign the body with the secret (X-Signature) instead of adding the secret to the body')
  .addOption(option('--organization <uuid>', 'the organization_id, which replaces the recorded one', uuid))
  .addOption(option('--repeat <number>', 'send each body this many times in a row', wholeNumber(1)).default(1))
  .addOption(
    option(
      '--shuffle [seed]',
      'send in random order; the same seed gives the same order (default: a new seed, printed)',
      z.coerce.number(seedExpected).check(z.int(seedExpected), z.minimum(0, seedExpected)),
    ),
  )
  .addOption(
    option('--rate <per-second>', 'the maximum number of requests per second (default: no limit)', positiveNumber),
  )
  .addOption(
    option(
      '--concurrency <number>',
      'the number of concurrent requests; above 1, order is not preserved',
      wholeNumber(1),
    ).default(1),
  );
export type ReplayOptions = ReturnType<typeof replay.opts>;

chat.action(async (options) => (await import('../simulate/chat.ts')).simulateChat(options));
load.action(async (options) => (await import('../simulate/load.ts')).simulateLoad(options));
replay.action(async (paths, options) => (await import('../simulate/replay.ts')).simulateReplay(paths, options));

export const simulate = commandGroup('simulate', {
  description: 'Acts as LiveChat: plays one chat, many chats or recorded webhooks.',
  examples: [
    'simulate chat',
    'simulate load --chats 100 --messages 20',
    'simulate replay test/fixtures/livechat --secret "$SECRET"',
  ],
  commands: [chat, load, replay],
});
