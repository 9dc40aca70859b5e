import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { outbound } from '../test/outbound.ts';
import { type SharedLocal, sharedLocal } from '../test/shared-local.ts';

let local: SharedLocal;
beforeAll(async () => {
  local = await sharedLocal();
});

const post = async (path: string, body: unknown) => {
  const response = await fetch(new URL(path, local.console), { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
};

describe('organization ids are case-insensitive', () => {
  it('for rate limits', async () => {
    const organizationId = randomUUID();
    const path = `/api/rate-limits/${organizationId.toUpperCase()}`;
    expect(await post(path, { do: 'pause' })).toMatchObject({ body: { rateLimit: { organizationId, paused: true } } });
    for (const query of [organizationId, organizationId.toUpperCase()]) {
      const { body } = await local.api(`/api/rate-limits?organizationId=${query}`);
      expect(body).toMatchObject({ rateLimits: [{ organizationId, paused: true }] });
    }
  });

  it('for routing rules', async () => {
    const id = randomUUID();
    const ruleSet = { match: 'first', rules: [{ name: 'a', do: { tag: ['a'] } }] };
    const applied = await post('/api/routing/rules', { organizationId: id.toUpperCase(), ruleSet });
    expect(applied).toMatchObject({ status: 200, body: { organizationId: id } });
    const { body } = await local.api(`/api/routing/rules?organizationId=${id}`);
    expect(body).toMatchObject({ rules: [{ organizationId: id, active: { version: 1 } }] });
  });
});

describe('a cursor that the list did not return is rejected with 400', () => {
  const error = { field: 'after', expected: 'the `next` of the previous page' };

  it.each(['conversations', 'executions', 'dead-letters'])('by %s', async (list) => {
    expect(await local.api(`/api/${list}?after=forged`)).toMatchObject({ status: 400, body: { error } });
  });

  it('by the messages of a conversation', async () => {
    const id = await outbound(local).chat({ text: 'Hello' });
    await local.idle();
    const threads = z.object({ conversation: z.object({ threads: z.array(z.object({ id: z.string() })) }) });
    const { body } = await local.api(`/api/conversations/${id}`);
    const [thread] = threads.parse(body).conversation.threads;
    const after = Buffer.from(`${thread?.id}\nforged`).toString('base64url');
    expect(await local.api(`/api/conversations/${id}?after=${after}`)).toMatchObject({ status: 400, body: { error } });
  });
});

it.each(['id', 'organizationId'])(
  'an %s above 512 bytes, which DynamoDB may not accept as a key, is rejected',
  async (field) => {
    const long = 'é'.repeat(257);
    for (const path of ['conversations', 'messages', 'dead-letters', 'executions']) {
      const url = field === 'id' ? `/api/${path}/${long}` : `/api/${path}/a?organizationId=${long}`;
      const error = { field, expected: 'at most 512 bytes' };
      expect(await local.api(url)).toMatchObject({ status: 400, body: { error } });
    }
  },
);
