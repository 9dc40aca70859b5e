import type { Command } from 'commander';
import * as z from 'zod/mini';
import { plainCommand } from '../command.ts';
import { address, flag, parseOptions } from '../options.ts';
import { colours, print, printJson } from '../output.ts';
import { connectSimulator } from '../simulator.ts';
import { defaultStory, playStory, readStory, type StepDone, withStart } from '../story.ts';

const chatOptions = z.object({
  simulator: address,
  customer: z.optional(z.string()),
  text: z.optional(z.string()),
  script: z.optional(z.string()),
  json: flag,
});

const printStep = ({ as, action, chatId, threadId, eventId }: StepDone): void =>
  print(`${colours.green('✓')} ${as} ${action}  ${colours.dim(eventId ?? `chat ${chatId}, thread ${threadId}`)}`);

const run = async (options: z.infer<typeof chatOptions>): Promise<void> => {
  const story = options.script === undefined ? defaultStory : await readStory(options.script);
  const played = withStart(story, options.customer, options.text);
  const steps = await playStory(played, connectSimulator(options.simulator), options.json ? () => {} : printStep);
  if (options.json) printJson({ ok: true, chatId: steps[0]?.chatId, steps });
};

export const chatCommand = (): Command =>
  plainCommand('chat', {
    description: 'Plays one chat on the simulator: a small story, or the steps of a script.',
    examples: [
      'simulate chat --customer "Dana Whitfield" --text "Where is my parcel?"',
      'simulate chat --script hello.json --json',
    ],
  })
    .option('--simulator <address>', 'where the simulator listens', 'http://localhost:4600')
    .option('--customer <name>', "the customer's name")
    .option('--text <text>', 'the first message')
    .option(
      '--script <file>',
      'a JSON array of steps: each the body of POST /simulator/chats/:id/events; the first may be that of POST /simulator/chats, and an eventId of "$previous" means the last event made',
    )
    .addHelpText(
      'after',
      '\nA script, hello.json:\n  [{"action":"message","text":"Hello"},{"as":"agent","action":"close"}]',
    )
    .action((options: unknown) => run(parseOptions(chatOptions, options)));
