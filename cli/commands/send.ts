import { Option } from '@commander-js/extra-typings';
import { bridgeCommand, minLength, option, uuid, wholeNumber } from '../command.ts';
import { UsageError } from '../errors.ts';

const text = minLength(1, 'a text that is not empty');

export const send = bridgeCommand('send', {
  description: 'Sends a message into a chat: puts a send request on the bus, as any service does.',
  examples: [
    'send --chat T8RM2K0V9X --text "Your parcel has left." --wait',
    'send --chat T8RM2K0V9X --text - --wait',
    'send --chat T8RM2K0V9X --file invoice.pdf --stage production',
    'send --chat T8RM2K0V9X --file https://shop.example/manual.pdf',
    'send --chat T8RM2K0V9X --card card.json --json',
  ],
})
  .addOption(option('--chat <id>', 'the id of the chat', minLength(1, "a chat's id")).makeOptionMandatory())
  .addOption(option('--text <text>', 'a text message; - reads it from stdin', text))
  .addOption(
    option('--file <path>', 'a file or its https address, at most 10 MB', minLength(1, 'a path or an https address')),
  )
  .addOption(option('--card <path>', 'a JSON file with a rich message', minLength(1, 'a path')))
  .option('--note', 'send it as a note that only agents see')
  .addOption(
    option(
      '--organization <uuid>',
      "the chat's organization; required if it cannot be determined from the chat id",
      uuid,
    ),
  )
  .addOption(
    new Option('--on-inactive <action>', 'what to do if the chat is closed')
      .choices(['resume', 'append', 'fail'] as const)
      .default('resume'),
  )
  .addOption(
    new Option('--on-absent <action>', 'what to do if the sending agent is not in the chat')
      .choices(['join', 'transfer'] as const)
      .default('join'),
  )
  .addOption(
    option('--expires-in-seconds <number>', 'the request fails after this time', wholeNumber(1, 86_400)).default(900),
  )
  .addOption(option('--request-id <id>', 'requests with the same id are sent once (default: a new id)', text))
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
  );
export type SendOptions = ReturnType<typeof send.opts>;

send.action(async (options) => {
  const { text, file, card } = options;
  if ([text, file, card].filter((one) => one !== undefined).length !== 1) {
    throw new UsageError('Pass exactly one of --text, --file and --card.');
  }
  await (await import('../send.ts')).sendMessage(options);
});
