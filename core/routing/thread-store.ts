import { CustomAttributeType, Entity } from 'electrodb';
import { required } from '../platform/configuration.ts';
import { documents, ifConditionHolds } from '../platform/dynamodb.ts';
import type { ThreadKey } from './carrier.ts';
import type { RoutingFacts } from './facts.ts';
import { longestWaitSeconds } from './rule-store.ts';

/** A thread some of whose rules wait for what the customer writes first. */
export interface Waiting {
  readonly facts: RoutingFacts;
  /** The rules go on from this one, of this version. */
  readonly from: number;
  readonly rulesVersion: number;
}

/** What the customer wrote first. */
export interface Heard {
  readonly messageId: string;
  readonly at: string;
  readonly text: string;
}

/** Session fields as a list: a table's own maps do not know every name. */
type StoredWaiting = Omit<Waiting, 'facts'> & {
  readonly facts: Omit<RoutingFacts, 'session'> & { readonly session: readonly (readonly string[])[] };
};

const toStored = ({ facts, ...rest }: Waiting): StoredWaiting => ({
  ...rest,
  facts: { ...facts, session: Object.entries(facts.session) },
});

const fromStored = ({ facts, ...rest }: StoredWaiting): Waiting => ({
  ...rest,
  facts: { ...facts, session: Object.fromEntries(facts.session.map(([name = '', value = '']) => [name, value])) },
});

export type Phase = 'start' | 'message';

const text = { type: 'string', required: true } as const;
const casing = 'none';

/**
 * How far routing has come with a thread. The thread's beginning and the first message come in any order, as events do:
 * whichever is second finds here what the first has left, since both write the one item. It stands in its conversation's
 * partition, so that it goes when the conversation is erased, and expires by itself soon.
 */
const Item = new Entity(
  {
    model: { entity: 'routing', version: '1', service: 'livechat' },
    attributes: {
      organizationId: text,
      conversationId: text,
      threadId: text,
      state: { type: ['waiting', 'decided'] as const },
      waiting: { type: CustomAttributeType<StoredWaiting>('any') },
      heard: { type: CustomAttributeType<Heard>('any') },
      /** When something was first said for a phase, ms since 1970. */
      startBegun: { type: 'number' },
      messageBegun: { type: 'number' },
      expires: { type: 'number', required: true },
    },
    indexes: {
      primary: {
        pk: { field: 'pk', composite: ['organizationId', 'conversationId'], casing },
        sk: { field: 'sk', composite: ['threadId'], casing },
      },
    },
  },
  { client: documents, table: required('CONVERSATIONS_TABLE', 'the name of the conversations table') },
);

/** A customer who writes later than that has been taken care of. */
const expires = () => Math.floor(Date.now() / 1000) + longestWaitSeconds;
const keyOf = ({ organizationId, conversationId, threadId }: ThreadKey): ThreadKey => ({
  organizationId,
  conversationId,
  threadId,
});

/** Nothing waits any more; what was kept of the customer goes. */
export async function markDecided(key: ThreadKey): Promise<void> {
  await Item.update(keyOf(key)).set({ state: 'decided', expires: expires() }).remove(['waiting', 'heard']).go();
}

/** Lets a thread wait. Answers the first message where it has come already. */
export async function waitForMessage(key: ThreadKey, waiting: Waiting): Promise<Heard | undefined> {
  const waits = await ifConditionHolds(
    Item.update(keyOf(key))
      .set({ state: 'waiting', waiting: toStored(waiting), expires: expires() })
      .where(({ state }, op) => `${op.notExists(state)} OR ${op.eq(state, 'waiting')}`)
      .go({ response: 'all_new' }),
  );
  return waits?.data.heard;
}

/** Notes what the customer wrote first. Answers what waits for it, if anything does. */
export async function noteFirstMessage(key: ThreadKey, heard: Heard): Promise<Waiting | undefined> {
  const { data: known } = await Item.get(keyOf(key)).go();
  const another = known?.heard !== undefined && known.heard.messageId !== heard.messageId;
  if (known?.state === 'decided' || another) return undefined;
  const noted = await ifConditionHolds(
    Item.update(keyOf(key))
      .set({ heard, expires: expires() })
      .where(({ state }, op) => `${op.notExists(state)} OR ${op.eq(state, 'waiting')}`)
      .go({ response: 'all_new' }),
  );
  return noted?.data.waiting && fromStored(noted.data.waiting);
}

/** Notes that a phase is about to say something. Answers since when, where an earlier run had come as far and died. */
export async function markBegun(key: ThreadKey, phase: Phase, now: number): Promise<number | undefined> {
  const attribute = phase === 'start' ? 'startBegun' : 'messageBegun';
  const before = await Item.upsert({ ...keyOf(key), expires: expires() })
    .ifNotExists({ [attribute]: now })
    .go({ response: 'all_old' });
  return before.data?.[attribute];
}
