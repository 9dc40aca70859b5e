import { planActions } from '../../core/routing/plan.ts';
import { findRules, listVersions, rulesInForce, type VersionedRules } from '../../core/routing/rule-store.ts';
import { CliError } from '../errors.ts';
import { chosenOrganization } from '../organization.ts';
import { colours, print, printable, printJson, printTable } from '../output.ts';
import type { ShowOptions } from './options.ts';
import { conditionInWords, stepInWords } from './words.ts';

const versionInWords = ({ version, comment, createdAt }: Omit<VersionedRules, 'rules'>): string => {
  if (version === 0) return 'The default rules';
  const why = comment === undefined ? '' : `: ${printable(comment)}`;
  return `Version ${version} of ${createdAt?.slice(0, 19)}${why}`;
};

const printRules = (shown: VersionedRules, inForce: boolean): void => {
  const { rules } = shown;
  print(`${versionInWords(shown)}${inForce ? colours.green('  in force') : ''}`);
  if (rules.rules.length === 0) {
    print("No rules: every chat is left to LiveChat's own routing.");
    return;
  }
  print(rules.match === 'first' ? 'The first rule that matches counts.' : 'Every rule that matches counts.');
  printTable(
    ['rule', 'when', 'what is done'],
    rules.rules.map((rule) => [
      printable(rule.name),
      printable(conditionInWords(rule.when)),
      printable(planActions([rule]).map(stepInWords).join('; ')),
    ]),
  );
};

/** Rules, and which versions of them there are. */
export const showRules = async ({ organization, version, json }: ShowOptions): Promise<void> => {
  const organizationId = await chosenOrganization(organization);
  const [inForce, versions] = await Promise.all([rulesInForce(organizationId), listVersions(organizationId)]);
  const shown = version === undefined ? inForce : await findRules(organizationId, version);
  if (!shown) throw new CliError(`There is no version ${version} of this organization's rules.`);
  if (json) {
    printJson({ ok: true, organizationId, inForce: inForce.version, shown, versions });
    return;
  }
  printRules(shown, shown.version === inForce.version);
  if (versions.length === 0) return;
  print('');
  printTable(
    ['version', 'made', 'why'],
    versions.map((one) => [one.version, one.createdAt?.slice(0, 19), printable(one.comment ?? '')]),
  );
};
