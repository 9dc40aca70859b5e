import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { shuffle } from '../cli/simulate/replay.ts';
import { type Body, fixture, order } from './fixtures.ts';
import { post } from './local.ts';
import { type SharedLocal, sharedLocal } from './shared-local.ts';

const message = z.looseObject({
  id: z.string(),
  threadId: z.string(),
  type: z.string(),
  timestamp: z.string(),
  author: z.object({ id: z.string(), type: z.string() }),
  direction: z.string(),
  visibility: z.string(),
});
const answer = z.object({
  conversation: z.looseObject({
    id: z.string(),
    organizationId: z.string(),
    status: z.string(),
    lastActivityAt: z.string(),
    threads: z.array(z.looseObject({ id: z.string(), status: z.string(), createdAt: z.string() })),
    participants: z.array(z.looseObject({ id: z.string(), type: z.string(), present: z.boolean() })),
    assigned: z.unknown(),
  }),
  messages: z.array(message),
  notes: z.array(message),
});

/** The API's response in the format of EXPECTED.json. */
function toExpectedFormat(body: unknown, expected: z.infer<typeof expectation>): unknown {
  const { conversation, messages, notes } = answer.parse(body);
  const { id, organizationId, status, assigned } = conversation;
  const wanted = new Map(expected.messages.map((one) => [one.id, one]));
  return {
    conversation: {
      id,
      organizationId,
      status,
      threads: conversation.threads.map(({ id, status, createdAt }) => ({ id, status, createdAt })),
      participants: conversation.participants.map(({ id, type, present }) => ({ id, type, present })),
      assigned,
    },
    messages: messages.map((one) => {
      const { id, threadId, type, author, direction, visibility } = one;
      const flags = {
        ...('edited' in one && { edited: one.edited }),
        ...('deleted' in one && { deleted: one.deleted }),
      };
      const content = 'content' in (wanted.get(id) ?? {}) || 'deleted' in one ? contentOf(one) : {};
      return { id, threadId, type, authorType: author.type, direction, visibility, ...flags, ...content };
    }),
    notes,
  };
}

/** The time of the current thread's latest message that is not a system message. */
function latestMessageAt(body: unknown): string | undefined {
  const { conversation, messages } = answer.parse(body);
  const current = conversation.threads.at(-1)?.id;
  const own = messages.filter(({ threadId, author }) => threadId === current && author.type !== 'system');
  return own
    .map(({ timestamp }) => timestamp)
    .toSorted()
    .at(-1);
}

function contentOf(one: object): object {
  return 'content' in one ? { content: one.content } : {};
}

const expectation = z.looseObject({
  conversation: z.looseObject({ id: z.string() }),
  messages: z.array(z.looseObject({ id: z.string() })),
});

describe('recorded webhooks', () => {
  let local: SharedLocal;
  beforeAll(async () => {
    local = await sharedLocal();
  });

  /** Each delivery uses its own organization, so that one engine serves all tests. */
  async function deliver(
    bodies: readonly Body[],
    send: (bodies: readonly Body[]) => Promise<number[]> = allAtOnce,
  ): Promise<void> {
    const organizationId = randomUUID();
    const statuses = await send(bodies.map((body) => ({ ...body, organization_id: organizationId })));
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    await local.idle();
    const expected = expectation.parse(fixture('EXPECTED.json'));
    const { body } = await local.api(`/api/conversations/${expected.conversation.id}?organizationId=${organizationId}`);
    expect(toExpectedFormat(body, expected)).toEqual({
      ...expected,
      conversation: { ...expected.conversation, organizationId },
    });
    expect(answer.parse(body).conversation.lastActivityAt).toBe(latestMessageAt(body));
  }

  const allAtOnce = (bodies: readonly Body[]) =>
    Promise.all(bodies.map(async (body) => (await post(local, body)).status));

  async function oneByOne(bodies: readonly Body[]): Promise<number[]> {
    const statuses: number[] = [];
    for (const body of bodies) statuses.push((await post(local, body)).status);
    return statuses;
  }

  it('produce the expected state in order', async () => {
    await deliver(order().map(fixture), oneByOne);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('produce the same state in the order of seed %i', async (seed) => {
    await deliver(shuffle(order(), seed).map(fixture));
  });

  it.each([11, 12, 13])(
    'produce the same state when each is delivered three times, in the order of seed %i',
    async (seed) => {
      const names = order();
      await deliver(shuffle([...names, ...names, ...names], seed).map(fixture));
    },
  );

  it.each([21, 22])('produce the same state with the bodies of v3.4, in the order of seed %i', async (seed) => {
    const older = new Set(['incoming_chat.json', 'incoming_rich_message_postback.json']);
    await deliver(shuffle(order(), seed).map((name) => fixture(older.has(name) ? `v3.4/${name}` : name)));
  });

  it('produce the same state with agent_changed and bodies that change nothing', async () => {
    const more = [
      '_imagined.agent_changed.json',
      '_edge.unknown_action.json',
      '_app_webhook.application_installed.json',
    ];
    await deliver(shuffle([...order(), ...more], 31).map(fixture));
  });
});
