import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { fixture } from './fixtures.ts';
import { type Local, post, startLocal } from './local.ts';
import { clearAwsFaults, injectAwsFault } from './local-aws.ts';

const failed = { status: 500, body: '{"error":"Internal server error"}' };
const accepted = { status: 200, body: '{"success":true}' };

const deadLetterPage = z.object({ deadLetters: z.array(z.object({ id: z.string(), organizationId: z.string() })) });

describe('when AWS fails', () => {
  let local: Local;
  beforeAll(async () => {
    local = await startLocal();
  });
  afterAll(() => local.stop());
  beforeEach(async () => {
    await clearAwsFaults(local);
  });

  /** A chat of a new organization with three messages: four events. */
  const chat = () => ({ ...fixture('incoming_chat.json'), organization_id: randomUUID() });
  async function readConversation({ organization_id }: { organization_id: string }): Promise<unknown> {
    await local.idle();
    const { body } = await local.api(`/api/conversations/T8RM2K0V9X?organizationId=${organization_id}`);
    return body;
  }

  it('acknowledges a webhook only after the bus accepts the retried entries', async () => {
    const body = chat();
    await injectAwsFault(local, { service: 'events', operation: 'PutEvents', kind: 'partial', count: 2 });
    expect(await post(local, body)).toEqual(accepted);
    expect(await readConversation(body)).toMatchObject({ messages: [{}, {}, {}] });
  });

  it("responds with 500 while the bus rejects an entry, and loses nothing after LiveChat's retry", async () => {
    const body = chat();
    await injectAwsFault(local, { service: 'events', operation: 'PutEvents', kind: 'partial', count: 100 });
    expect(await post(local, body)).toEqual(failed);
    await clearAwsFaults(local);
    expect(await post(local, body)).toEqual(accepted);
    expect(await readConversation(body)).toMatchObject({ messages: [{}, {}, {}] });
  });

  it('responds with 500 while the bus is unavailable', async () => {
    await injectAwsFault(local, { service: 'events', kind: 'unavailable', count: 100 });
    expect(await post(local, chat())).toEqual(failed);
  });

  it('responds with 500 while the secret of a new organization is unavailable', async () => {
    await injectAwsFault(local, { service: 'secretsmanager', kind: 'unavailable', count: 100 });
    expect(await post(local, chat())).toEqual(failed);
  });

  it('stores everything after throttled writes are retried', async () => {
    const body = chat();
    await injectAwsFault(local, { service: 'dynamodb', kind: 'throttle', count: 10 });
    expect(await post(local, body)).toEqual(accepted);
    expect(await readConversation(body)).toMatchObject({ conversation: { status: 'open' }, messages: [{}, {}, {}] });
  });

  it('stores an event as a dead letter after three failed invocations and redrives it on request', async () => {
    const body = chat();
    // The functions start with UpdateItem on every attempt; the dead-letter function does not use it.
    await injectAwsFault(local, { service: 'dynamodb', operation: 'UpdateItem', kind: 'unavailable', count: 1000 });
    expect(await post(local, body)).toEqual(accepted);
    await local.idle();
    const page = deadLetterPage.parse((await local.api('/api/dead-letters')).body);
    const deadLetters = page.deadLetters.filter((one) => one.organizationId === body.organization_id);
    expect(deadLetters.length).toBeGreaterThan(0);
    await clearAwsFaults(local);
    for (const { id } of deadLetters) {
      const answer = await fetch(new URL(`/api/dead-letters/${id}/redrive`, local.console), { method: 'POST' });
      expect(answer.status).toBe(200);
    }
    expect(await readConversation(body)).toMatchObject({ messages: [{}, {}, {}] });
  });
});
