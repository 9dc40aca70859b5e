import { compareRules, type DryRunComparison } from '../../core/routing/dry-run.ts';
import { dryRun, isDifferent } from '../../core/routing/plan.ts';
import { rulesInForce } from '../../core/routing/rule-store.ts';
import type { RuleSet } from '../../core/routing/rules.ts';
import { chosenOrganization } from '../organization.ts';
import { colours, print, printable, printJson, printTable } from '../output.ts';
import { withProgress } from '../progress.ts';
import type { TestOptions } from './options.ts';
import { type Recorded, readPayloads } from './payloads.ts';
import { readRules } from './rules-file.ts';
import { formatDryRun, triedInWords } from './words.ts';

const defaultConversations = 50;

const tryOnRecorded = ({ chats }: Recorded, inForce: RuleSet, candidate: RuleSet): DryRunComparison[] =>
  chats.map(({ facts, ...thread }) => {
    const now = dryRun(inForce, facts);
    const then = dryRun(candidate, facts);
    return { ...thread, inForce: now, candidate: then, differs: isDifferent(now, then) };
  });

const printTrials = (results: readonly DryRunComparison[], version: number): void => {
  printTable(
    ['chat', version === 0 ? 'in force: the default rules' : `in force: version ${version}`, 'with the file', ''],
    results.map(({ conversationId, inForce, candidate, differs }) => [
      printable(conversationId),
      printable(formatDryRun(inForce)),
      printable(formatDryRun(candidate)),
      differs ? colours.yellow('differs') : colours.dim('same'),
    ]),
  );
  const differing = results.filter(({ differs }) => differs).length;
  print('');
  print(`${differing} of ${results.length} chats would be routed differently.`);
};

const printReasons = (results: readonly DryRunComparison[], rules: RuleSet): void => {
  for (const { conversationId, candidate } of results) {
    print('');
    print(colours.bold(printable(conversationId)));
    const lines = candidate.evaluated.flatMap((tried) => triedInWords(tried, rules));
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
  const results = recorded
    ? tryOnRecorded(recorded, inForce, candidate)
    : await withProgress('Trying the rules on conversations', limit, ({ step: onTried }) =>
        compareRules({ organizationId, inForce, candidate, limit, onTried }),
      );
  if (json) {
    printJson({
      ok: true,
      organizationId,
      inForce: version,
      differing: results.filter((one) => one.differs).length,
      results,
    });
    return;
  }
  if (results.length === 0) {
    print('There is no stored conversation that a customer has begun.');
    return;
  }
  printTrials(results, version);
  if (explain) printReasons(results, candidate);
};
