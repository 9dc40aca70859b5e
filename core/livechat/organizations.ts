import { ConfigurationError, type Environment } from '../platform/configuration.ts';
import { listSecretNames, readSecret } from '../platform/secrets-manager.ts';
import type { Reconcilable } from '../reconciliation/source.ts';
import { isUuid } from './conventions.ts';
import { Credentials, secretPrefix } from './credentials.ts';

/** Lists the organizations that have a secret of their own. */
async function organizationsWithSecrets(environment: Environment): Promise<string[]> {
  const prefix = `${secretPrefix(environment)}/`;
  const names = await listSecretNames(prefix);
  // The prefix of production is also that of the other stages' secrets.
  const ids = names.map((name) => name.slice(prefix.length)).filter(isUuid);
  return ids.map((id) => id.toLowerCase());
}

/**
 * The organizations that can be reconciled: those with a secret of their own, and the one in `LIVECHAT_ORGANIZATION_ID` of the
 * default secret or, if that is not set, the only other stored organization. A token lists the chats of its own organization:
 * those of another would be published under a wrong id.
 *
 * @param stored the organizations that have conversations
 */
export async function reconcilableOrganizations(
  stored: readonly string[],
  environment: Environment,
): Promise<Reconcilable> {
  const own = new Set(await organizationsWithSecrets(environment));
  const credentials = await new Credentials(environment, { read: readSecret }).get(undefined).catch(undefinedIfMissing);
  const named = credentials?.current.LIVECHAT_ORGANIZATION_ID?.toLowerCase();
  const others = stored.filter((id) => !own.has(id));
  const byDefault = named ? [named] : others.length === 1 ? others : [];
  const organizationIds = [...new Set([...own, ...byDefault])];
  return { organizationIds, excluded: others.filter((id) => !organizationIds.includes(id)) };
}

/** Without a default secret, no organization uses it. */
function undefinedIfMissing(error: unknown): undefined {
  if (!(error instanceof ConfigurationError)) throw error;
}
