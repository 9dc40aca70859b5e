import { applyRules, restoreVersion, type VersionedRules } from '../../core/routing/rule-store.ts';
import { CliError } from '../errors.ts';
import { chosenOrganization } from '../organization.ts';
import { print, printJson } from '../output.ts';
import type { ApplyOptions } from './options.ts';
import { readRules } from './rules-file.ts';

const restored = async (organizationId: string, version: number): Promise<VersionedRules> => {
  const rules = await restoreVersion(organizationId, version, Date.now());
  if (!rules) throw new CliError(`There is no version ${version} of this organization's rules.`);
  return rules;
};

/** Puts a file's rules in force as a new version, or an earlier version again. */
export const applyThem = async ({ organization, rules, version = 0, comment, json }: ApplyOptions): Promise<void> => {
  const candidate = rules === undefined ? undefined : await readRules(rules);
  const organizationId = await chosenOrganization(organization);
  const { version: inForce, changed } = candidate
    ? await applyRules(organizationId, candidate, comment, new Date().toISOString())
    : { version: await restored(organizationId, version), changed: true };
  if (json) {
    printJson({ ok: true, organizationId, version: inForce.version, changed });
    return;
  }
  const name = inForce.version === 0 ? 'The default rules are' : `Version ${inForce.version} is`;
  print(changed ? `${name} in force.` : `${name} in force already, with the same rules: nothing was changed.`);
};
