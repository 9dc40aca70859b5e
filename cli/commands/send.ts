import { type Command, Option } from 'commander';
import { withBridge } from '../bridge.ts';
import { bridgeCommand } from '../command.ts';
import { UsageError } from '../errors.ts';
import { type SendOptions, sendOptions } from '../send/options.ts';

const requireOne = ({ text, file, card }: SendOptions): void => {
  const given = [text, file, card].filter((one) => one !== undefined);
  if (given.length !== 1) throw new UsageError('Give exactly one of --text, --file and --card.');
};

export const register = (program: Command): void => {
  const command = bridgeCommand('send', {
    description: 'Sends a message into a chat, through the bus as any service would.',
    examples: [
      'send --chat T8RM2K0V9X --text "Your parcel has left." --wait',
      'send --chat T8RM2K0V9X --file invoice.pdf --stage production',
      'send --chat T8RM2K0V9X --file https://shop.example/manual.pdf',
      'send --chat T8RM2K0V9X --card card.json --json',
    ],
  })
    .requiredOption('--chat <id>', "the chat, by LiveChat's id")
    .option('--text <text>', 'a text')
    .option('--file <path>', 'a file, or the https address of one; at most 10 MB')
    .option('--card <path>', 'a rich message, as JSON')
    .option('--note', 'as a note that only agents see')
    .option('--organization <uuid>', 'whose chat; needed where it is not known from the chat')
    .addOption(
      new Option('--on-inactive <what>', 'for a chat that is closed')
        .choices(['resume', 'append', 'fail'])
        .default('resume'),
    )
    .addOption(
      new Option('--on-absent <what>', 'where the sending agent is not in the chat')
        .choices(['join', 'transfer'])
        .default('join'),
    )
    .option('--expires-in-seconds <number>', 'give up after this', '900')
    .option('--request-id <id>', 'the same one is sent once; without it a new one')
    .option('--wait', 'follow it until it is delivered (exit code 0) or dead (1)')
    .addHelpText(
      'after',
      `
A card, card.json:
  {"templateId":"cards","elements":[{"title":"Where shall it go?","buttons":[
    {"type":"message","text":"Home","value":"home","postback_id":"home"}]}]}`,
    )
    .action(
      withBridge(sendOptions, async (given) => {
        requireOne(given);
        const { send } = await import('../send/send.ts');
        await send(given);
      }),
    );
  program.addCommand(command);
};
