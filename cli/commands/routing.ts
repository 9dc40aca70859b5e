import * as z from 'zod/mini';
import { bridgeCommand, commandGroup, minLength, option, uuid, wholeNumber } from '../command.ts';
import { UsageError } from '../errors.ts';

const organization = option(
  '--organization <uuid>',
  'the organization of the rules; required if more than one has conversations',
  uuid,
);
const rules = () =>
  option(
    '--rules <file>',
    'a JSON file with rules, as docs/reference/routing-rules.md describes them',
    minLength(1, 'the path of a JSON file'),
  );

const show = bridgeCommand('show', {
  description: 'Shows the active routing rules and the stored versions.',
  examples: ['routing show', 'routing show --version 3 --json', 'routing show --stage production'],
})
  .addOption(option('--version <number>', 'a stored version; 0 for the default rules', wholeNumber(0)))
  .addOption(organization);
export type ShowOptions = ReturnType<typeof show.opts>;

const apply = bridgeCommand('apply', {
  description: 'Activates routing rules: a file as a new version, or an earlier version.',
  examples: [
    'routing apply --rules rules.json --comment "Refunds go to Tomas"',
    'routing apply --version 3 --stage production',
  ],
})
  .addOption(rules())
  .addOption(option('--version <number>', 'an earlier version; 0 for the default rules', wholeNumber(0)))
  .addOption(
    option(
      '--comment <text>',
      'a comment to store with the version',
      z.string().check(z.maxLength(500, 'at most 500 characters')),
    ),
  )
  .addOption(
    option('--replaces <number>', 'fail unless this version is active; 0 for the default rules', wholeNumber(0)),
  )
  .addOption(organization)
  .addHelpText('after', '\nFunctions cache rules for a minute, so a change takes up to a minute to apply.');
export type ApplyOptions = ReturnType<typeof apply.opts>;

const test = bridgeCommand('test', {
  description: 'Compares what a rules file would do with the active rules. Changes nothing and makes no calls.',
  examples: [
    'routing test --rules rules.json',
    'routing test --rules rules.json --conversations 200 --stage production',
    'routing test --rules rules.json --payload test/fixtures/livechat/incoming_chat.json --explain',
  ],
})
  .addOption(rules().makeOptionMandatory())
  .option('--payload <path...>', "bodies of LiveChat's incoming_chat webhook: files or folders")
  .addOption(
    option(
      '--conversations <number>',
      'how many stored conversations, latest activity first (default 50)',
      wholeNumber(1, 1000),
    ),
  )
  .option('--explain', 'show why each rule matched or did not')
  .addOption(organization);
export type TestOptions = ReturnType<typeof test.opts>;

const work = () => import('../routing.ts');
show.action(async (options) => (await work()).showRules(options));
apply.action(async (options) => {
  if ((options.rules === undefined) === (options.version === undefined)) {
    throw new UsageError('Pass either --rules or --version.');
  }
  await (await work()).applyRulesFrom(options);
});
test.action(async (options) => {
  if (options.payload !== undefined && options.conversations !== undefined) {
    throw new UsageError('Pass either --payload or --conversations, not both.');
  }
  await (await work()).testRules(options);
});

export const routing = commandGroup('routing', {
  description: 'Shows, tests and changes routing rules.',
  examples: ['routing show', 'routing test --rules rules.json', 'routing apply --rules rules.json'],
  commands: [show, test, apply],
});
