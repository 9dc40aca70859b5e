import { type Command, Option } from 'commander';
import * as z from 'zod/mini';
import { withBridge } from '../bridge.ts';
import { bridgeCommand, bridgeOptions, flag, nonEmpty, organizationOption, wholeNumber } from '../command.ts';
import { UsageError } from '../errors.ts';

const sendOptions = z.object({
  ...bridgeOptions,
  organization: organizationOption,
  chat: nonEmpty("a chat's id"),
  text: z.optional(nonEmpty('a text that is not empty')),
  file: z.optional(nonEmpty('a path or an https address')),
  card: z.optional(nonEmpty('a path')),
  note: flag,
  onInactive: z.enum(['resume', 'append', 'fail'], 'resume, append or fail'),
  onAbsent: z.enum(['join', 'transfer'], 'join or transfer'),
  expiresInSeconds: wholeNumber(1, 86_400),
  requestId: z.optional(nonEmpty('a text that is not empty')),
  wait: flag,
});
export type SendOptions = z.infer<typeof sendOptions>;

export const register = (program: Command): void => {
  const command = bridgeCommand('send', {
    description: 'Sends a message into a chat: puts a send request on the bus, as any service does.',
    examples: [
      'send --chat T8RM2K0V9X --text "Your parcel has left." --wait',
      'send --chat T8RM2K0V9X --text - --wait',
      'send --chat T8RM2K0V9X --file invoice.pdf --stage production',
      'send --chat T8RM2K0V9X --file https://shop.example/manual.pdf',
      'send --chat T8RM2K0V9X --card card.json --json',
    ],
  })
    .requiredOption('--chat <id>', "LiveChat's id of the chat")
    .option('--text <text>', 'a text message; - reads it from stdin')
    .option('--file <path>', 'a file or its https address, at most 10 MB')
    .option('--card <path>', 'a JSON file with a rich message')
    .option('--note', 'send it as a note that only agents see')
    .option('--organization <uuid>', "the chat's organization; required if it cannot be found by the chat")
    .addOption(
      new Option('--on-inactive <action>', 'what to do if the chat is closed')
        .choices(['resume', 'append', 'fail'])
        .default('resume'),
    )
    .addOption(
      new Option('--on-absent <action>', 'what to do if the sending agent is not in the chat')
        .choices(['join', 'transfer'])
        .default('join'),
    )
    .option('--expires-in-seconds <number>', 'the request fails after this time', '900')
    .option('--request-id <id>', 'requests with the same id are sent once (default: a new id)')
    .option(
      '--wait',
      'wait until the message is delivered (exit code 0), or has failed or conflicts with an earlier request (1)',
    )
    .addHelpText(
      'after',
      `
A card, card.json:
  {"templateId":"cards","elements":[{"title":"Where shall we deliver?","buttons":[
    {"type":"message","text":"Home","value":"home","postback_id":"home"}]}]}`,
    )
    .action(
      withBridge(sendOptions, async (options) => {
        const { text, file, card } = options;
        if ([text, file, card].filter((one) => one !== undefined).length !== 1) {
          throw new UsageError('Pass exactly one of --text, --file and --card.');
        }
        const { send } = await import('../send.ts');
        await send(options);
      }),
    );
  program.addCommand(command);
};
