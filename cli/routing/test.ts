import { foresee, isDifferent } from '../../core/routing/foresee.ts';
import { rulesInForce } from '../../core/routing/rule-store.ts';
import type { RuleSet } from '../../core/routing/rules.ts';
import { type Trial, tryRules } from '../../core/routing/trial.ts';
import { chosenOrganization } from '../organization.ts';
import { colours, print, printable, printJson, printTable } from '../output.ts';
import { withProgress } from '../progress.ts';
import type { TestOptions } from './options.ts';
import { type Recorded, readPayloads } from './payloads.ts';
import { readRules } from './rules-file.ts';
import { foreseenInWords, triedInWords } from './words.ts';

const defaultConversations = 50;

const tryOnRecorded = ({ chats }: Recorded, inForce: RuleSet, candidate: RuleSet): Trial[] =>
  chats.map(({ facts, ...thread }) => {
    const now = foresee(inForce, facts);
    const then = foresee(candidate, facts);
    return { ...thread, inForce: now, candidate: then, differs: isDifferent(now, then) };
  });

const printTrials = (trials: readonly Trial[], version: number): void => {
  printTable(
    ['chat', version === 0 ? 'in force: the default rules' : `in force: version ${version}`, 'with the file', ''],
    trials.map(({ conversationId, inForce, candidate, differs }) => [
      printable(conversationId),
      printable(foreseenInWords(inForce)),
      printable(foreseenInWords(candidate)),
      differs ? colours.yellow('differs') : colours.dim('same'),
    ]),
  );
  const differing = trials.filter(({ differs }) => differs).length;
  print('');
  print(`${differing} of ${trials.length} chats would be routed differently.`);
};

const printReasons = (trials: readonly Trial[], rules: RuleSet): void => {
  for (const { conversationId, candidate } of trials) {
    print('');
    print(colours.bold(printable(conversationId)));
    const lines = candidate.tried.flatMap((tried) => triedInWords(tried, rules));
    for (const line of lines) print(`  ${printable(line)}`);
  }
};

/** What a file's rules would do with stored conversations, or with recorded webhooks, beside the rules in force. */
export const testRules = async (given: TestOptions): Promise<void> => {
  const { rules, payload, conversations: limit = defaultConversations, explain, json } = given;
  const candidate = await readRules(rules);
  const recorded = payload && (await readPayloads(payload));
  const organizationId = await chosenOrganization(given.organization ?? recorded?.organizationId);
  const { version, rules: inForce } = await rulesInForce(organizationId);
  const trials = recorded
    ? tryOnRecorded(recorded, inForce, candidate)
    : await withProgress('Trying the rules on conversations', limit, ({ step: onTried }) =>
        tryRules({ organizationId, inForce, candidate, limit, onTried }),
      );
  if (json) {
    printJson({
      ok: true,
      organizationId,
      inForce: version,
      differing: trials.filter((one) => one.differs).length,
      trials,
    });
    return;
  }
  if (trials.length === 0) {
    print('There is no stored conversation that a customer has begun.');
    return;
  }
  printTrials(trials, version);
  if (explain) printReasons(trials, candidate);
};
