import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { organizationId } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';
import { type SharedLocal, sharedLocal } from '../test/shared-local.ts';

let local: SharedLocal;
beforeAll(async () => {
  local = await sharedLocal();
});

const post = async (path: string, body: unknown) => {
  const answer = await fetch(new URL(path, local.console), { method: 'POST', body: JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
};

/** Archives the dead letter of an invalid request. */
async function archiveOne(): Promise<string> {
  const { put, deadLetters } = outbound(local);
  const conversationId = randomUUID();
  const data = { requestId: randomUUID(), organizationId, conversationId, messages: [] };
  await put('shop', 'message.send.requested', { data });
  await local.idle();
  const [deadLetter] = await deadLetters(conversationId);
  if (!deadLetter) throw new Error('not archived');
  return deadLetter.id;
}

describe('POST /api/dead-letters/:id/dismiss', () => {
  it('dismisses a dead letter and keeps the first reason', async () => {
    const id = await archiveOne();
    const first = await post(`/api/dead-letters/${id}/dismiss`, { reason: ' sent by phone ' });
    const dismissed = { id, status: 'dismissed', dismissReason: 'sent by phone', dismissedAt: expect.any(String) };
    expect(first).toMatchObject({ status: 200, body: { dismissed } });
    expect(await post(`/api/dead-letters/${id}/dismiss`, { reason: 'again' })).toEqual(first);
    expect((await local.api(`/api/dead-letters/${id}`)).body).toMatchObject({ deadLetter: dismissed });
    expect((await local.api('/api/dead-letters?status=dismissed')).body).toMatchObject({
      deadLetters: expect.arrayContaining([expect.objectContaining(dismissed)]),
    });
  });

  it.each([{}, { reason: ' ' }, { reason: 'x'.repeat(501) }])('rejects the body %j with 400', async (body) => {
    const error = { field: 'reason', expected: '{"reason":"…"}, 1 to 500 characters' };
    expect(await post('/api/dead-letters/any/dismiss', body)).toEqual({ status: 400, body: { error } });
  });

  it('responds with 409 if there is no such dead letter', async () => {
    const error = { field: 'id', expected: 'an open dead letter; dead letter none does not exist' };
    expect(await post('/api/dead-letters/none/dismiss', { reason: 'late' })).toEqual({ status: 409, body: { error } });
  });
});
