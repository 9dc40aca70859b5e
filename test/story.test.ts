import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { shuffled } from '../cli/shuffle.ts';
import { type Body, fixture, order } from './fixtures.ts';
import { post } from './local.ts';
import { type SharedLocal, sharedLocal } from './shared-local.ts';

const message = z.looseObject({
  id: z.string(),
  threadId: z.string(),
  type: z.string(),
  author: z.object({ id: z.string(), type: z.string() }),
  direction: z.string(),
  visibility: z.string(),
});
const answer = z.object({
  conversation: z.looseObject({
    id: z.string(),
    organizationId: z.string(),
    status: z.string(),
    threads: z.array(z.looseObject({ id: z.string(), status: z.string(), createdAt: z.string() })),
    participants: z.array(z.looseObject({ id: z.string(), type: z.string(), present: z.boolean() })),
    assigned: z.unknown(),
  }),
  messages: z.array(message),
  notes: z.array(message),
});

/** What the API says, in the terms of EXPECTED.json. */
function inTermsOfTheStory(body: unknown, expected: z.infer<typeof story>): unknown {
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

function contentOf(one: object): object {
  return 'content' in one ? { content: one.content } : {};
}

const story = z.looseObject({
  conversation: z.looseObject({ id: z.string() }),
  messages: z.array(z.looseObject({ id: z.string() })),
});

describe('the story of a chat', () => {
  let local: SharedLocal;
  beforeAll(async () => {
    local = await sharedLocal();
  });

  /** Each telling is another organization's, so that one engine can hold them all. */
  async function tell(
    bodies: readonly Body[],
    send: (bodies: readonly Body[]) => Promise<number[]> = allAtOnce,
  ): Promise<void> {
    const organizationId = randomUUID();
    const statuses = await send(bodies.map((body) => ({ ...body, organization_id: organizationId })));
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    await local.idle();
    const expected = story.parse(fixture('EXPECTED.json'));
    const { body } = await local.api(`/api/conversations/${expected.conversation.id}?organizationId=${organizationId}`);
    expect(inTermsOfTheStory(body, expected)).toEqual({
      ...expected,
      conversation: { ...expected.conversation, organizationId },
    });
  }

  const allAtOnce = (bodies: readonly Body[]) =>
    Promise.all(bodies.map(async (body) => (await post(local, body)).status));

  async function oneByOne(bodies: readonly Body[]): Promise<number[]> {
    const statuses: number[] = [];
    for (const body of bodies) statuses.push((await post(local, body)).status);
    return statuses;
  }

  it('ends as expected when told in order', async () => {
    await tell(order().map(fixture), oneByOne);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('ends the same when told in the order of seed %i', async (seed) => {
    await tell(shuffled(order(), seed).map(fixture));
  });

  it.each([11, 12, 13])('ends the same when each body comes three times, in the order of seed %i', async (seed) => {
    const names = order();
    await tell(shuffled([...names, ...names, ...names], seed).map(fixture));
  });

  it.each([21, 22])('ends the same with the bodies of v3.4, in the order of seed %i', async (seed) => {
    const older = new Set(['incoming_chat.json', 'incoming_rich_message_postback.json']);
    await tell(shuffled(order(), seed).map((name) => fixture(older.has(name) ? `v3.4/${name}` : name)));
  });

  it('ends the same with the imagined agent_changed and the bodies that change nothing among it', async () => {
    const more = [
      '_imagined.agent_changed.json',
      '_edge.unknown_action.json',
      '_app_webhook.application_installed.json',
    ];
    await tell(shuffled([...order(), ...more], 31).map(fixture));
  });
});
