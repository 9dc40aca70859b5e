import pLimit from 'p-limit';
import {
  type ConversationSummary,
  iterateConversations,
  organizations,
  statuses,
  take,
} from '../../core/conversations/queries.ts';
import { listMessagesSince, type StoredMessage } from '../../core/messages/queries.ts';
import type { Activity } from '../stream.ts';
import { createHorizon, eventOf, mostInALook, type Watch } from './look.ts';
import { storedAfter } from './stored-after.ts';

/** What has been told of a conversation. */
interface Told {
  /** Its last activity, as it was seen. */
  readonly at: string;
  /** The time of the latest message that has been told: later ones are new. */
  readonly upTo: string;
  /** How often its message was looked for in vain: a conversation moves forward before its message is stored. */
  readonly inVain: number;
}

const mostInVain = 3;
/** Of one conversation in a look; the next look goes on from there. */
const mostMessages = 200;
const readAtOnce = 100;
const queriesAtOnce = 10;
const organizationsMs = 30_000;

/** Messages as they are stored. While nothing is, a look is one small query for each organization and status. */
export function watchConversations(most = mostInALook): Watch {
  let seen: ReadonlyMap<string, Told> | undefined;
  const horizon = createHorizon();
  let known: { readonly ids: readonly string[]; readonly until: number } = { ids: [], until: 0 };
  /** The look before has left something for this one. */
  let behind = false;
  const limit = pLimit(queriesAtOnce);

  async function organizationIds(now: number): Promise<readonly string[]> {
    // The first one may come any time.
    if (known.ids.length === 0 || now >= known.until)
      known = { ids: await organizations(), until: now + organizationsMs };
    return known.ids;
  }

  /** From the latest back, until all was told of as many in a row; to learn what is there, all of the last minute's. */
  async function changed(
    organizationIds: readonly string[],
    since: string,
    told: ReadonlyMap<string, Told> | undefined,
  ): Promise<ConversationSummary[]> {
    const found: ConversationSummary[] = [];
    let inARow = 0;
    const walk = iterateConversations({ organizationIds, statuses, pageSize: readAtOnce, from: { since } });
    for await (const one of walk) {
      const settled = isSettled(told?.get(keyOf(one)), one);
      inARow = settled ? inARow + 1 : 0;
      if (!settled) found.push(one);
      if (told && (found.length === most || (inARow === most && !behind))) break;
    }
    return found;
  }

  return async (now) => {
    const ids = await organizationIds(now);
    const isFirst = !seen;
    if (isFirst) horizon.note(timesOf(await latestOf(ids)), now);
    const since = horizon.since(now);
    const before = seen ?? new Map<string, Told>();
    const active = await changed(ids, since, seen);
    const changes = await Promise.all(
      active.map((one) => (isFirst ? learned(one) : limit(() => changesOf(one, before.get(keyOf(one)), since)))),
    );
    horizon.note(timesOf(active), now);
    const all = [...before, ...changes.map(({ key, told }) => [key, told] as const)];
    seen = new Map(all.filter(([, { at }]) => at >= since));
    behind = !isFirst && active.length === most;
    return { found: changes.flatMap(({ found }) => found), sampled: behind };
  };
}

/** Nothing to look for: what was seen is what there is, and its message was told, or there is none. */
function isSettled(told: Told | undefined, { lastActivityAt: at }: ConversationSummary): boolean {
  return told?.at === at && (told.upTo >= at || told.inVain >= mostInVain);
}

function latestOf(organizationIds: readonly string[]): Promise<ConversationSummary[]> {
  return take(iterateConversations({ organizationIds, statuses, pageSize: 1 }), 1);
}

const timesOf = (list: readonly ConversationSummary[]) => list.map(({ lastActivityAt }) => lastActivityAt);

function keyOf({ organizationId, id }: ConversationSummary): string {
  return `${organizationId}/${id}`;
}

interface Changes {
  readonly key: string;
  readonly told: Told;
  readonly found: readonly Activity[];
}

/** At first, all that is there has been told. */
function learned(one: ConversationSummary): Changes {
  const at = one.lastActivityAt;
  return { key: keyOf(one), told: { at, upTo: at, inVain: 0 }, found: [] };
}

async function changesOf(one: ConversationSummary, told: Told | undefined, since: string): Promise<Changes> {
  const { id: conversationId, organizationId, lastActivityAt: at } = one;
  const key = keyOf(one);
  // One that was not seen before has not been active since then.
  const upTo = told?.upTo ?? since;
  const messages = await listMessagesSince({ organizationId, conversationId }, upTo, mostMessages);
  const last = messages.at(-1);
  if (last) return { key, told: { at, upTo: last.timestamp, inVain: 0 }, found: messages.flatMap(eventsOf) };
  const inVain = told?.at === at ? told.inVain + 1 : 1;
  const moved = inVain === 1 ? [eventOf(at, 'chat.updated', { conversationId })] : [];
  return { key, told: { at, upTo, inVain }, found: moved };
}

/** What of ours has come back was sent before; when, its delivery tells, which is not read here. */
function eventsOf(message: StoredMessage): Activity[] {
  const { timestamp, conversationId, metadata } = message;
  const { customId } = metadata;
  const data = { conversationId };
  const ms = storedAfter(message);
  const stored = { stored: true, ...(ms !== undefined && { ms }) };
  if (typeof customId !== 'string' || !customId.startsWith('out-')) {
    return [eventOf(timestamp, 'message.received', data, stored)];
  }
  return [eventOf(timestamp, 'message.sent', data), eventOf(timestamp, 'message.delivered', data, stored)];
}
