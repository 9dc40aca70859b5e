import { Entity } from 'electrodb';
import { required } from '../../platform/configuration.ts';
import { documents, expiresAfter, ifConditionHolds } from '../../platform/dynamodb.ts';
import type { Letter } from './read.ts';

const text = { type: 'string', required: true } as const;

const Item = new Entity(
  {
    model: { entity: 'deadLetter', version: '1', service: 'livechat' },
    attributes: {
      id: text,
      kind: { type: ['send', 'event', 'unread'] as const, required: true },
      /** `open` until it is redriven or what it is about has come through after all. */
      status: { type: ['open', 'redriven', 'settled'] as const, required: true },
      errorName: text,
      errorMessage: text,
      /** What it is about, as far as it says. */
      organizationId: text,
      conversationId: text,
      requestId: text,
      /** Which redrive had failed: 0 for the first run. */
      redrives: { type: 'number', required: true },
      /** ISO 8601 */
      createdAt: text,
      /** The letter, as JSON. */
      letter: text,
      expires: { type: 'number', required: true },
    },
    indexes: {
      primary: {
        pk: { field: 'pk', composite: ['id'], casing: 'none' },
        sk: { field: 'sk', composite: [], casing: 'none' },
      },
      byStatus: {
        index: 'byTime',
        pk: { field: 'gsi1pk', composite: ['status'], casing: 'none' },
        sk: { field: 'gsi1sk', composite: ['createdAt', 'id'], casing: 'none' },
      },
    },
  },
  { client: documents, table: required('MESSAGES_TABLE', 'the name of the messages table') },
);

/** A dead letter without what it holds. */
export interface Archived {
  readonly id: string;
  readonly kind: Letter['kind'];
  readonly status: 'open' | 'redriven' | 'settled';
  readonly errorName: string;
  readonly errorMessage: string;
  readonly organizationId: string;
  readonly conversationId: string;
  readonly requestId: string;
  readonly redrives: number;
  readonly createdAt: string;
}

export type About = Pick<Archived, 'organizationId' | 'conversationId' | 'requestId' | 'redrives'>;

/** Keeps a letter, once. Answers false for one that was kept before. */
export async function keep(letter: Letter, about: About, status: 'open' | 'settled', now: number): Promise<boolean> {
  const { id, kind, error } = letter;
  const kept = await ifConditionHolds(
    Item.create({
      id,
      kind,
      status,
      errorName: error.name,
      errorMessage: error.message,
      ...about,
      createdAt: new Date(now).toISOString(),
      letter: JSON.stringify(letter),
      expires: expiresAfter('MESSAGES_RETENTION_DAYS', now),
    }).go(),
  );
  return kept !== undefined;
}

export async function find(id: string): Promise<{ archived: Archived; letter: unknown } | undefined> {
  const { data } = await Item.get({ id }).go({ consistent: true });
  if (!data) return undefined;
  const { letter, expires: _, ...archived } = data;
  return { archived, letter: JSON.parse(letter) };
}

/** Marks a letter redriven. Answers false when it was not open any more. */
export async function close(id: string): Promise<boolean> {
  const closed = await ifConditionHolds(
    Item.patch({ id })
      .set({ status: 'redriven' })
      .where(({ status }, op) => op.eq(status, 'open'))
      .go(),
  );
  return closed !== undefined;
}

/** Opens it again: its redrive could not be started. */
export async function reopen(id: string): Promise<void> {
  await Item.patch({ id }).set({ status: 'open' }).go();
}

/** Dead letters, newest first; with `since`, only those that were kept then or later (ISO 8601). */
export async function list(
  status: Archived['status'],
  { limit, from = null, since }: { limit: number; from?: string | null; since?: string },
): Promise<{ letters: Archived[]; next?: string }> {
  const all = Item.query.byStatus({ status });
  const query = since === undefined ? all : all.gte({ createdAt: since });
  // Without `limit`, DynamoDB would read a megabyte for each of them.
  const { data, cursor } = await query.go({ count: limit, limit, cursor: from, order: 'desc' });
  const letters = data.map(({ letter: _letter, expires: _expires, ...archived }) => archived);
  return { letters, ...(cursor !== null && { next: cursor }) };
}

/** Where a letter lies, for whoever deletes it. */
export function addressOf({ id }: { id: string }): unknown {
  return Item.get({ id }).params();
}

const everyStatus = ['open', 'redriven', 'settled'] as const satisfies readonly Archived['status'][];

/** The ids of the letters in which any of these texts stands. Reads every letter. */
export async function mentioning(texts: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const status of everyStatus) {
    let from: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof pageOf>> = await pageOf(status, from);
      for (const { id, letter, conversationId } of page.data) {
        if (texts.some((text) => conversationId === text || letter.includes(text))) found.push(id);
      }
      from = page.cursor;
    } while (from !== null);
  }
  return found;
}

function pageOf(status: Archived['status'], cursor: string | null) {
  return Item.query.byStatus({ status }).go({ cursor });
}
