import type { Command } from 'commander';
import { onBridge } from '../bridge.ts';
import { bridgeCommand, group } from '../command.ts';
import { UsageError } from '../errors.ts';
import { applyOptions, showOptions, testOptions } from '../routing/options.ts';

const whose = ['--organization <uuid>', 'whose rules; needed where more than one has conversations'] as const;

const showCommand = () =>
  bridgeCommand('show', {
    description: 'Shows the routing rules in force, and which versions there are.',
    examples: ['routing show', 'routing show --version 3 --json', 'routing show --stage production'],
  })
    .option('--version <number>', 'another version; 0 for the default rules')
    .option(...whose)
    .action(
      onBridge(showOptions, async (given) => {
        const { showRules } = await import('../routing/show.ts');
        await showRules(given);
      }),
    );

const applyCommand = () =>
  bridgeCommand('apply', {
    description: 'Puts routing rules in force: a file as a new version, or an earlier version again.',
    examples: [
      'routing apply --rules rules.json --comment "Refunds go to Tomas"',
      'routing apply --version 3 --stage production',
    ],
  })
    .option('--rules <file>', 'a JSON file with rules, as docs/reference/routing-rules.md describes them')
    .option('--version <number>', 'an earlier version; 0 for the default rules')
    .option('--comment <text>', 'why, to be shown with the version')
    .option(...whose)
    .addHelpText('after', '\nFunctions keep rules for a minute, so it takes as long to be in force everywhere.')
    .action(
      onBridge(applyOptions, async (given) => {
        if ((given.rules === undefined) === (given.version === undefined)) {
          throw new UsageError('Say what to put in force: --rules or --version.');
        }
        const { applyThem } = await import('../routing/apply.ts');
        await applyThem(given);
      }),
    );

const testCommand = () =>
  bridgeCommand('test', {
    description: 'Shows what rules would do, beside those in force. Nothing is changed and LiveChat is not called.',
    examples: [
      'routing test --rules rules.json',
      'routing test --rules rules.json --conversations 200 --stage production',
      'routing test --rules rules.json --payload test/fixtures/livechat/incoming_chat.json --explain',
    ],
  })
    .requiredOption('--rules <file>', 'a JSON file with rules, as docs/reference/routing-rules.md describes them')
    .option('--payload <path...>', "bodies of LiveChat's incoming_chat webhook: files, or folders with such files")
    .option('--conversations <number>', 'the stored conversations with the latest activity, so many (50 unless said)')
    .option('--explain', 'say of each rule why it matched or did not')
    .option(...whose)
    .action(
      onBridge(testOptions, async (given) => {
        if (given.payload !== undefined && given.conversations !== undefined) {
          throw new UsageError('Say what to test on: --payload or --conversations, not both.');
        }
        const { testRules } = await import('../routing/test.ts');
        await testRules(given);
      }),
    );

export const register = (program: Command): void => {
  const described = {
    description: 'Shows, tests and changes the rules by which chats are routed.',
    examples: ['routing show', 'routing test --rules rules.json', 'routing apply --rules rules.json'],
  };
  program.addCommand(group('routing', described, [showCommand(), testCommand(), applyCommand()]));
};
