import type { DomainEvent } from '../events/event.ts';
import type { Cause } from '../events/own-event.ts';
import type { EventMetadata } from '../events/schemas.ts';
import { assignedOf, storedNow } from './assigned.ts';
import type { ThreadKey } from './carrier.ts';
import { type DecidingPorts, decide } from './decide.ts';
import { factsOf, isToBeRouted, withCustomer } from './facts.ts';
import { findRules, type RulesInForce } from './rule-store.ts';
import { asksForMessage } from './rules.ts';
import { type Heard, markDecided, noteFirstMessage, type Waiting, waitForMessage } from './thread-store.ts';

export interface RoutingPorts extends DecidingPorts {
  /** The rules in force for an organization. */
  readonly rules: (organizationId: string) => Promise<RulesInForce>;
}

/**
 * Routes a thread as it begins. Where a rule needs to know what the customer writes first, it and all rules after it
 * wait for {@link routeFirstMessage}. Answers false for a thread that was routed before.
 */
export async function routeThread(
  { data, metadata }: DomainEvent<'chat.started'>,
  ports: RoutingPorts,
): Promise<boolean> {
  const key = keyOf(metadata, data);
  const cause = causeOf(metadata);
  const ruleSet = await ports.rules(key.organizationId);
  if (ruleSet.rules.rules.length === 0) return true;
  if (!isToBeRouted(data)) {
    await nothingWaits(key, ruleSet, ports.clock.now());
    return true;
  }
  const facts = factsOf(data);
  const assigned = assignedOf(data.participants, data.groups);
  const { receivedAt } = metadata;
  const question = { ...key, phase: 'start', ruleSet, facts, from: 0, assigned, receivedAt, cause } as const;
  const { waitsAt, news } = await decide(question, ports);
  if (waitsAt === undefined) {
    await nothingWaits(key, ruleSet, ports.clock.now());
    return news;
  }
  const waiting = { facts, from: waitsAt, rulesVersion: ruleSet.version };
  const heard = await waitForMessage(key, waiting);
  return heard ? routeWaiting(key, waiting, heard, metadata, ports) : news;
}

/**
 * Goes on with a thread that waits for what the customer writes first; any text of a customer may be it. Answers false
 * for a thread that was routed before. Where no rule asks for a message, nor did one of late, nothing is read or written.
 */
export async function routeFirstMessage(
  { data, metadata }: DomainEvent<'message.received'>,
  ports: RoutingPorts,
): Promise<boolean> {
  const { type, content, author, id: messageId, timestamp: at } = data;
  if (type !== 'text' || typeof content !== 'string' || author.type !== 'customer') return true;
  const key = keyOf(metadata, data);
  if (!listens(await ports.rules(key.organizationId), ports.clock.now())) return true;
  const heard = { messageId, at, text: content };
  const waiting = await noteFirstMessage(key, heard);
  return waiting ? routeWaiting(key, waiting, heard, metadata, ports) : true;
}

/** The rules are those with which it began to wait, whatever is in force now. */
async function routeWaiting(
  key: ThreadKey,
  { facts, from, rulesVersion }: Waiting,
  heard: Heard,
  metadata: EventMetadata,
  ports: RoutingPorts,
): Promise<boolean> {
  const ruleSet = await findRules(key.organizationId, rulesVersion);
  if (!ruleSet) return true;
  const { participants, assigned } = await storedNow(key);
  const known = { ...withCustomer(facts, participants), at: heard.at, message: heard.text };
  const { receivedAt } = metadata;
  const cause = causeOf(metadata);
  const question = { ...key, phase: 'message', ruleSet, facts: known, from, assigned, receivedAt, cause } as const;
  const { news } = await decide(question, ports);
  await markDecided(key);
  return news;
}

/** So that no message is kept for a thread that waits for none. */
async function nothingWaits(key: ThreadKey, rules: RulesInForce, now: number): Promise<void> {
  if (listens(rules, now)) await markDecided(key);
}

/** Whether any thread may wait for a message: by the rules in force, or by some that were in force before. */
function listens({ rules, heardUntil }: RulesInForce, now: number): boolean {
  return asksForMessage(rules) || now < heardUntil;
}

function keyOf(
  { organizationId }: EventMetadata,
  { conversationId, threadId }: { conversationId: string; threadId: string },
): ThreadKey {
  return { organizationId, conversationId, threadId };
}

function causeOf({ organizationId, correlationId, id }: EventMetadata): Cause {
  return { organizationId, correlationId, causationId: id };
}
