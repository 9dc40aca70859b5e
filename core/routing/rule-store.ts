import { Entity } from 'electrodb';
import { canonicalJson } from '../events/ids.ts';
import { required, wholeNumber } from '../platform/configuration.ts';
import { documents, unlessRefused } from '../platform/dynamodb.ts';
import defaults from './default-rules.json' with { type: 'json' };
import { asksForMessage, type RuleSet } from './rules.ts';
import { parseRules } from './schema.ts';

/** A version of an organization's rules. Versions never change; which of them is in force may. */
export interface RulesVersion {
  /** From 1 on; 0 are the bridge's default rules. */
  readonly version: number;
  /** Why it was made, where somebody said so. */
  readonly comment?: string;
  /** ISO 8601; none for the default rules. */
  readonly createdAt?: string;
}

export interface VersionedRules extends RulesVersion {
  readonly rules: RuleSet;
}

/** The rules by which chats that begin now are routed. */
export interface RulesInForce extends VersionedRules {
  /** Until when a thread may still wait for a message by rules that were in force before; ms since 1970. */
  readonly heardUntil: number;
}

/** How long a thread waits at the most for what the customer writes first, in s; EventBridge tries an event for a day. */
export const longestWaitSeconds = 2 * 86_400;

const text = { type: 'string', required: true } as const;
const casing = 'none';
const table = {
  client: documents,
  table: required('CONVERSATIONS_TABLE', 'the name of the conversations table'),
};
const service = 'livechat';

const Version = new Entity(
  {
    model: { entity: 'ruleVersion', version: '1', service },
    attributes: {
      organizationId: text,
      version: { type: 'number', required: true, padding: { length: 8, char: '0' } },
      /** JSON: a table's own maps know neither every depth nor every name. */
      rules: text,
      comment: { type: 'string' },
      createdAt: text,
    },
    indexes: {
      primary: {
        pk: { field: 'pk', composite: ['organizationId'], casing },
        sk: { field: 'sk', composite: ['version'], casing },
      },
    },
  },
  table,
);

/** Which version is in force. */
const InForce = new Entity(
  {
    model: { entity: 'rulesInForce', version: '1', service },
    attributes: {
      organizationId: text,
      version: { type: 'number', required: true },
      heardUntil: { type: 'number' },
    },
    indexes: {
      primary: {
        pk: { field: 'pk', composite: ['organizationId'], casing },
        sk: { field: 'sk', composite: [], casing },
      },
    },
  },
  table,
);

export const defaultRules: VersionedRules = { version: 0, rules: parseRules(defaults) };

type Item = NonNullable<Awaited<ReturnType<ReturnType<typeof Version.get>['go']>>['data']>;

function versionOf({ version, comment, createdAt }: Item): RulesVersion {
  return { version, createdAt, ...(comment !== undefined && { comment }) };
}

/** Throws InvalidRulesError for a version that an older release took and this one does not. */
export async function findRules(organizationId: string, version: number): Promise<VersionedRules | undefined> {
  if (version === 0) return defaultRules;
  const { data } = await Version.get({ organizationId, version }).go({ consistent: true });
  if (!data) return undefined;
  const rules: unknown = JSON.parse(data.rules);
  return { ...versionOf(data), rules: parseRules(rules) };
}

/** The rules by which an organization's chats are routed now. */
export async function rulesInForce(organizationId: string): Promise<RulesInForce> {
  const { data } = await InForce.get({ organizationId }).go({ consistent: true });
  const rules = (data && (await findRules(organizationId, data.version))) || defaultRules;
  return { ...rules, heardUntil: data?.heardUntil ?? 0 };
}

/** Threads that wait by the rules before, and those that begin while a function still has them, are heard to their end. */
async function putInForce(
  organizationId: string,
  version: number,
  { rules, heardUntil: before }: RulesInForce,
  now: number,
): Promise<void> {
  const until = now + (longestWaitSeconds + cacheSeconds()) * 1000;
  const heardUntil = asksForMessage(rules) ? until : before;
  await InForce.upsert({ organizationId, version, heardUntil }).go();
}

/** All stored versions, latest first. */
export async function listVersions(organizationId: string): Promise<RulesVersion[]> {
  const { data } = await Version.query.primary({ organizationId }).go({ pages: 'all', order: 'desc' });
  return data.map(versionOf);
}

/** Stores rules as the next version and puts it in force. Rules that are in force already make no version. */
export async function applyRules(
  organizationId: string,
  rules: RuleSet,
  comment: string | undefined,
  createdAt: string,
): Promise<{ version: VersionedRules; changed: boolean }> {
  const now = await rulesInForce(organizationId);
  if (canonicalJson(now.rules) === canonicalJson(rules)) return { version: now, changed: false };
  for (;;) {
    const { data: latest } = await Version.query
      .primary({ organizationId })
      .go({ limit: 1, order: 'desc', consistent: true });
    const version = (latest[0]?.version ?? 0) + 1;
    const item = { organizationId, version, rules: JSON.stringify(rules), createdAt };
    const created = await unlessRefused(Version.create({ ...item, ...(comment && { comment }) }).go());
    if (!created) continue;
    await putInForce(organizationId, version, now, Date.parse(createdAt));
    return { version: { ...versionOf(created.data), rules }, changed: true };
  }
}

/** Puts an earlier version in force again; 0 for the default rules. Answers undefined where there is none of that number. */
export async function restoreVersion(
  organizationId: string,
  version: number,
  now: number,
): Promise<VersionedRules | undefined> {
  const rules = await findRules(organizationId, version);
  if (rules) await putInForce(organizationId, version, await rulesInForce(organizationId), now);
  return rules;
}

const cacheSeconds = () => wholeNumber('ROUTING_CACHE_SECONDS', 60);

/** Rules change seldom and chats begin often, so a function keeps them for a while. */
export function cachedRules(): (organizationId: string) => Promise<RulesInForce> {
  const keepMs = cacheSeconds() * 1000;
  const kept = new Map<string, { readonly rules: RulesInForce; readonly until: number }>();
  return async (organizationId) => {
    const known = kept.get(organizationId);
    if (known && known.until > Date.now()) return known.rules;
    const rules = await rulesInForce(organizationId);
    // As many organizations as one process meets; more than this would be an attack.
    if (kept.size > 5_000) kept.clear();
    kept.set(organizationId, { rules, until: Date.now() + keepMs });
    return rules;
  };
}
