import { CustomAttributeType, Entity } from 'electrodb';
import type { ConversationKey } from '../channel/channel.ts';
import { canonicalJson } from '../events/ids.ts';
import { expiresAfter, ifConditionHolds, keys, number, tableIn, text } from '../platform/dynamodb.ts';
import { activeVersion, cacheByOrganization, cacheSeconds } from './active.ts';
import type { RoutingFacts } from './facts.ts';
import { type Decision, parseRules, type RuleSet, testsMessage } from './rules.ts';

/** What routing stores in the conversations table: rule versions per organization, waiting threads and decisions per conversation. */
const table = tableIn('CONVERSATIONS_TABLE');
const model = (entity: string) => ({ entity, version: '1', service: 'livechat' });

/** A version of an organization's rules. Immutable; which version is active may change. */
export interface RulesVersion {
  /** From 1; 0 is the default rules. */
  readonly version: number;
  readonly comment?: string | undefined;
  /** ISO 8601; absent for the default rules. */
  readonly createdAt?: string | undefined;
}

export interface VersionedRules extends RulesVersion {
  readonly ruleSet: RuleSet;
}

/** The rules for chats that start now. */
export interface ActiveRules extends VersionedRules {
  /** Until when threads may still wait for a message under earlier rules; ms since 1970. */
  readonly waitingUntil: number;
}

/** How long a thread waits for the customer's first message. Twice as long as EventBridge retries an event. */
const maxWaitSeconds = 2 * 86_400;

const RuleVersion = new Entity(
  {
    model: model('ruleVersion'),
    attributes: {
      organizationId: text,
      version: { type: 'number', required: true, padding: { length: 8, char: '0' } },
      /** JSON: a DynamoDB map allows neither every depth nor every name. */
      ruleSet: text,
      comment: { type: 'string' },
      createdAt: text,
    },
    indexes: { primary: keys(['organizationId'], ['version']) },
  },
  table,
);

/** Active until an organization has rules of its own: leaves every chat to LiveChat's own routing. */
export const defaultRules: VersionedRules = { version: 0, ruleSet: { match: 'first', rules: [] } };

/** Throws InvalidRulesError if the schema of this release rejects the stored version. */
export async function findRules(organizationId: string, version: number): Promise<VersionedRules | undefined> {
  if (version === 0) return defaultRules;
  const { data } = await RuleVersion.get({ organizationId, version }).go({ consistent: true });
  if (!data) return undefined;
  const { comment, createdAt } = data;
  return { version, comment, createdAt, ruleSet: parseRules(JSON.parse(data.ruleSet)) };
}

export async function activeRules(organizationId: string): Promise<ActiveRules> {
  const { data } = await activeVersion().get({ organizationId }).go({ consistent: true });
  const rules = (data && (await findRules(organizationId, data.version))) || defaultRules;
  return { ...rules, waitingUntil: data?.waitingUntil ?? 0 };
}

/** All stored versions, latest first. */
export async function listVersions(organizationId: string): Promise<RulesVersion[]> {
  const { data } = await RuleVersion.query.primary({ organizationId }).go({ pages: 'all', order: 'desc' });
  return data.map(({ version, comment, createdAt }) => ({ version, comment, createdAt }));
}

/** The active rules after a change, and whether it changed them. */
export interface AppliedRules {
  readonly version: VersionedRules;
  readonly changed: boolean;
  /** True if the active version is not the one to replace. Nothing was changed. */
  readonly isConflict?: boolean;
}

/**
 * Stores rules as the next version and activates it. Rules equal to the active ones create no version. If `replaces` is set and
 * is not the active version, changes nothing.
 */
export async function applyRules(
  organizationId: string,
  ruleSet: RuleSet,
  comment: string | undefined,
  createdAt: string,
  replaces?: number,
): Promise<AppliedRules> {
  let created: VersionedRules | undefined;
  for (;;) {
    const current = await activeRules(organizationId);
    if (replaces !== undefined && replaces !== current.version) return conflict(current);
    if (canonicalJson(current.ruleSet) === canonicalJson(ruleSet)) return { version: current, changed: false };
    created ??= await createVersion(organizationId, ruleSet, comment, createdAt);
    const isActive = await activateVersion(organizationId, created, current, Date.parse(createdAt));
    if (isActive) return { version: created, changed: true };
  }
}

async function createVersion(
  organizationId: string,
  ruleSet: RuleSet,
  comment: string | undefined,
  createdAt: string,
): Promise<VersionedRules> {
  for (;;) {
    const { data } = await RuleVersion.query
      .primary({ organizationId })
      .go({ limit: 1, order: 'desc', consistent: true });
    const info = { version: (data[0]?.version ?? 0) + 1, createdAt, ...(comment && { comment }) };
    const item = { organizationId, ...info, ruleSet: JSON.stringify(ruleSet) };
    // A concurrent call may have created this version.
    if (await ifConditionHolds(RuleVersion.create(item).go())) return { ...info, ruleSet };
  }
}

/**
 * Activates an earlier version, or 0 for the default rules. Returns undefined if it does not exist. `replaces` is as in
 * {@link applyRules}.
 */
export async function restoreVersion(
  organizationId: string,
  version: number,
  now: number,
  replaces?: number,
): Promise<AppliedRules | undefined> {
  const rules = await findRules(organizationId, version);
  if (!rules) return undefined;
  for (;;) {
    const current = await activeRules(organizationId);
    if (replaces !== undefined && replaces !== current.version) return conflict(current);
    if (current.version === version) return { version: rules, changed: false };
    if (await activateVersion(organizationId, rules, current, now)) return { version: rules, changed: true };
  }
}

const conflict = (version: VersionedRules): AppliedRules => ({ version, changed: false, isConflict: true });

/**
 * Activates a version. Threads that wait for a message under the previous rules, including threads that start while functions
 * still cache those rules, are still decided. Returns false if the active version changed since it was read.
 */
async function activateVersion(
  organizationId: string,
  { version, ruleSet }: VersionedRules,
  previous: ActiveRules,
  now: number,
): Promise<boolean> {
  const until = now + (maxWaitSeconds + cacheSeconds()) * 1000;
  const waitingUntil = testsMessage(previous.ruleSet) ? until : previous.waitingUntil;
  const item = { organizationId, version, testsMessage: testsMessage(ruleSet), waitingUntil };
  const write = activeVersion()
    .upsert(item)
    .where((active, op) => {
      const isPrevious = op.eq(active.version, previous.version);
      return previous.version === 0 ? `${op.notExists(active.version)} OR ${isPrevious}` : isPrevious;
    })
    .go();
  return (await ifConditionHolds(write)) !== undefined;
}

/** Reads the active rules, and caches them for ROUTING_CACHE_SECONDS. */
export const cachedRules = () => cacheByOrganization(activeRules);

/** A thread of a conversation. */
export interface ThreadKey extends ConversationKey {
  readonly threadId: string;
}

export const threadKey = ({ organizationId, conversationId, threadId }: ThreadKey): ThreadKey => ({
  organizationId,
  conversationId,
  threadId,
});

export type Phase = Decision['phase'];

/** A thread whose remaining rules wait for the customer's first message. */
export interface WaitingThread {
  readonly facts: RoutingFacts;
  /** Index of the first rule that waits. */
  readonly waitsFrom: number;
  readonly rulesVersion: number;
}

export interface FirstMessage {
  readonly at: string;
  readonly text: string;
  /** It is decided too late to act, whatever its age. */
  readonly isTooLate?: boolean | undefined;
}

/** The begin of a phase's calls. */
export interface Attempt {
  /** ms since 1970. */
  readonly at: number;
  /** The agents and bots that the customer saw in the chat. */
  readonly agents: readonly string[];
}

/**
 * Routing's progress in a thread. The thread's start and its first message arrive in any order: both write this item,
 * so the second finds what the first stored. Part of the conversation's partition, which erasure deletes; expires soon.
 */
const ThreadProgress = new Entity(
  {
    model: model('routing'),
    attributes: {
      organizationId: text,
      conversationId: text,
      threadId: text,
      isDecided: { type: 'boolean' },
      /** A {@link WaitingThread} as JSON: a DynamoDB map does not allow every name of a session field. */
      waiting: { type: 'string' },
      /** The time of the first message. Its text is read when it is needed: the message may be deleted meanwhile. */
      messageAt: { type: 'string' },
      /** The first attempt of each phase. */
      startAttempt: { type: CustomAttributeType<Attempt>('any') },
      messageAttempt: { type: CustomAttributeType<Attempt>('any') },
      expires: number,
    },
    indexes: { primary: keys(['organizationId', 'conversationId'], ['threadId']) },
  },
  table,
);

const progressExpiry = () => Math.floor(Date.now() / 1000) + maxWaitSeconds;

/** Ends the wait, and deletes what was stored of the customer. */
export async function markDecided(key: ThreadKey): Promise<void> {
  await ThreadProgress.update(threadKey(key))
    .set({ isDecided: true, expires: progressExpiry() })
    .remove(['waiting', 'messageAt'])
    .go();
}

/** Updates a thread unless it is decided. */
async function updateUndecided(key: ThreadKey, fields: { waiting?: string; messageAt?: string }) {
  const updated = await ifConditionHolds(
    ThreadProgress.update(threadKey(key))
      .set({ ...fields, expires: progressExpiry() })
      .where(({ isDecided }, op) => op.notExists(isDecided))
      .go({ response: 'all_new' }),
  );
  return updated?.data;
}

/** Stores that a thread waits. Returns the time of the first message if it has arrived already. */
export async function waitForMessage(key: ThreadKey, waiting: WaitingThread): Promise<string | undefined> {
  return (await updateUndecided(key, { waiting: JSON.stringify(waiting) }))?.messageAt;
}

/**
 * Stores that the first message has arrived. It is read only if the thread is undecided, up to the time that is stored already.
 * Returns it with the waiting thread, if that waits already.
 */
export async function storeFirstMessage(
  key: ThreadKey,
  readFirst: (until: string | undefined) => Promise<FirstMessage | undefined>,
): Promise<{ waiting: WaitingThread; message: FirstMessage } | undefined> {
  const { data: progress } = await ThreadProgress.get(threadKey(key)).go();
  // DynamoDB deletes expired items up to a few days later.
  const hasExpired = progress !== null && progress.expires * 1000 < Date.now();
  if (progress?.isDecided || hasExpired) return undefined;
  const message = await readFirst(progress?.messageAt);
  if (!message) return undefined;
  const { waiting } = (await updateUndecided(key, { messageAt: message.at })) ?? {};
  return waiting === undefined ? undefined : { waiting: JSON.parse(waiting), message };
}

/** Records that a phase begins to call the channel. Returns the attempt of an earlier invocation, which crashed. */
export async function recordAttempt(key: ThreadKey, phase: Phase, attempt: Attempt): Promise<Attempt | undefined> {
  const attribute = `${phase}Attempt` as const;
  const before = await ThreadProgress.upsert({ ...threadKey(key), expires: progressExpiry() })
    .ifNotExists({ [attribute]: attempt })
    .go({ response: 'all_old' });
  return before.data?.[attribute];
}

/** A decision, in its conversation's partition. */
const StoredDecision = new Entity(
  {
    model: model('decision'),
    attributes: {
      organizationId: text,
      conversationId: text,
      threadId: text,
      phase: { type: ['start', 'message'] as const, required: true },
      decision: { type: CustomAttributeType<Decision>('any'), required: true },
      expires: number,
    },
    indexes: { primary: keys(['organizationId', 'conversationId'], ['threadId', 'phase']) },
  },
  table,
);

export async function storeDecision(key: ThreadKey, decision: Decision): Promise<void> {
  const expires = expiresAfter('CONVERSATIONS_RETENTION_DAYS');
  await StoredDecision.put({ ...threadKey(key), phase: decision.phase, decision, expires }).go();
}

export async function findDecision(key: ThreadKey, phase: Phase): Promise<Decision | undefined> {
  const { data } = await StoredDecision.get({ ...threadKey(key), phase }).go({ consistent: true });
  return data?.decision;
}

/** All decisions of a conversation, oldest first. */
export async function listDecisions({ organizationId, conversationId }: ConversationKey): Promise<Decision[]> {
  const { data } = await StoredDecision.query.primary({ organizationId, conversationId }).go({ pages: 'all' });
  return data.map(({ decision }) => decision).toSorted((a, b) => (a.decidedAt < b.decidedAt ? -1 : 1));
}
