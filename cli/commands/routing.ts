import type { Command } from 'commander';
import * as z from 'zod/mini';
import { withBridge } from '../bridge.ts';
import { bridgeCommand, bridgeOptions, commandGroup, flag, organizationOption, wholeNumber } from '../command.ts';
import { UsageError } from '../errors.ts';

const common = { ...bridgeOptions, organization: organizationOption };

const showOptions = z.object({ ...common, version: z.optional(wholeNumber(0)) });
export type ShowOptions = z.infer<typeof showOptions>;

const applyOptions = z.object({
  ...common,
  rules: z.optional(z.string()),
  version: z.optional(wholeNumber(0)),
  comment: z.optional(z.string().check(z.maxLength(500, 'at most 500 characters'))),
});
export type ApplyOptions = z.infer<typeof applyOptions>;

const testOptions = z.object({
  ...common,
  rules: z.string(),
  payload: z.optional(z.array(z.string())),
  conversations: z.optional(wholeNumber(1).check(z.maximum(1000, 'a whole number from 1 to 1000'))),
  explain: flag,
});
export type TestOptions = z.infer<typeof testOptions>;

const organization = [
  '--organization <uuid>',
  'the organization of the rules; required if more than one has conversations',
] as const;

const showCommand = () =>
  bridgeCommand('show', {
    description: 'Shows the routing rules in force and the stored versions.',
    examples: ['routing show', 'routing show --version 3 --json', 'routing show --stage production'],
  })
    .option('--version <number>', 'a stored version; 0 for the default rules')
    .option(...organization)
    .action(
      withBridge(showOptions, async (given) => {
        const { showRules } = await import('../routing/routing.ts');
        await showRules(given);
      }),
    );

const applyCommand = () =>
  bridgeCommand('apply', {
    description: 'Puts routing rules in force: a file as a new version, or an earlier version.',
    examples: [
      'routing apply --rules rules.json --comment "Refunds go to Tomas"',
      'routing apply --version 3 --stage production',
    ],
  })
    .option('--rules <file>', 'a JSON file with rules, as docs/reference/routing-rules.md describes them')
    .option('--version <number>', 'an earlier version; 0 for the default rules')
    .option('--comment <text>', 'a comment to store with the version')
    .option(...organization)
    .addHelpText('after', '\nFunctions cache rules for a minute, so a change takes up to a minute to apply.')
    .action(
      withBridge(applyOptions, async (given) => {
        if ((given.rules === undefined) === (given.version === undefined)) {
          throw new UsageError('Pass either --rules or --version.');
        }
        const { applyRulesFrom } = await import('../routing/routing.ts');
        await applyRulesFrom(given);
      }),
    );

const testCommand = () =>
  bridgeCommand('test', {
    description:
      'Compares what a rules file would do with the rules in force. Changes nothing and does not call LiveChat.',
    examples: [
      'routing test --rules rules.json',
      'routing test --rules rules.json --conversations 200 --stage production',
      'routing test --rules rules.json --payload test/fixtures/livechat/incoming_chat.json --explain',
    ],
  })
    .requiredOption('--rules <file>', 'a JSON file with rules, as docs/reference/routing-rules.md describes them')
    .option('--payload <path...>', "bodies of LiveChat's incoming_chat webhook: files or folders")
    .option('--conversations <number>', 'how many stored conversations, latest activity first (default 50)')
    .option('--explain', 'show why each rule matched or did not')
    .option(...organization)
    .action(
      withBridge(testOptions, async (given) => {
        if (given.payload !== undefined && given.conversations !== undefined) {
          throw new UsageError('Pass either --payload or --conversations, not both.');
        }
        const { testRules } = await import('../routing/routing.ts');
        await testRules(given);
      }),
    );

export const register = (program: Command): void => {
  const described = {
    description: 'Shows, tests and changes routing rules.',
    examples: ['routing show', 'routing test --rules rules.json', 'routing apply --rules rules.json'],
  };
  program.addCommand(commandGroup('routing', described, [showCommand(), testCommand(), applyCommand()]));
};
