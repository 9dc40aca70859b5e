import { randomUUID } from 'node:crypto';
import { SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { type Local, pollOptions, startLocal } from './local.ts';
import { awsClientConfig, clearAwsFaults, copyDefaultSecret, injectAwsFault } from './local-aws.ts';
import { outbound } from './outbound.ts';

const pendingPage = z.object({ pending: z.array(z.object({ requestId: z.string(), execution: z.string() })) });

describe('the send path', () => {
  let local: Local;
  let world: ReturnType<typeof outbound>;
  beforeAll(async () => {
    local = await startLocal({ LIVECHAT_CALLS_PER_SECOND: '50' });
    world = outbound(local);
  });
  afterAll(() => local.stop());
  beforeEach(async () => {
    await world.clearFaults();
    await clearAwsFaults(local);
  });

  const texts = (...contents: readonly string[]) => ({
    messages: contents.map((content) => ({ type: 'text', content })),
  });

  it('lets no request overtake one whose execution is stopped in the middle', { timeout: 120_000 }, async () => {
    const chat = await world.chat();
    const parts = ['1.0', '1.1', '1.2', '1.3'];
    await world.fault({ kind: 'latency', latencyMs: 1_500, method: 'send_event' });
    const requestId = await world.send(chat, texts(...parts));
    await expect.poll(() => world.sentTexts(chat), pollOptions).toEqual(['1.0']);
    await world.send(chat, texts('2.0'));
    const { pending } = pendingPage.parse(await world.read(chat));
    const executionArn = pending.find((delivery) => delivery.requestId === requestId)?.execution;
    await new SFNClient(awsClientConfig(local)).send(new StopExecutionCommand({ executionArn }));
    await world.waitForExecutions();

    const sent = await world.sentTexts(chat);
    // The function of the stopped execution was sending one of the parts, and claims no other once they have failed.
    expect(sent).toEqual([...parts.slice(0, sent.length - 1), '2.0']);

    await world.clearFaults();
    const [deadLetter] = await world.deadLetters(chat);
    expect(deadLetter).toMatchObject({ errorName: 'ABORTED' });
    expect(await world.redrive(deadLetter?.id ?? '')).toBe(200);
    await world.waitForExecutions();
    expect(await world.sentTexts(chat)).toEqual([...sent, ...parts.slice(sent.length - 1)]);
  });

  it('is not delayed by a paused organization with 30 waiting chats', { timeout: 60_000 }, async () => {
    const paused = randomUUID();
    await copyDefaultSecret(local, paused);
    await world.rateLimit('pause', paused);
    const [chat, ...others] = await Promise.all(Array.from({ length: 31 }, () => world.chat()));
    await Promise.all(others.map((other) => world.send(other, { organizationId: paused })));
    await local.idle();
    await world.send(chat ?? '');
    await expect.poll(() => world.sentTexts(chat ?? ''), { timeout: 5_000 }).toEqual(['Hi']);
    await Promise.all(others.map(async (other) => expect(await world.sentTexts(other)).toEqual([])));
    await world.rateLimit('resume', paused);
  });

  it('slows down before LiveChat rejects a call, as its headers say', async () => {
    const chats = [await world.chat(), await world.chat()];
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '4' };
    await world.fault({ kind: 'headers', headers, method: 'send_event', count: 1 });
    await world.send(chats[0] ?? '');
    await expect.poll(() => world.sentTexts(chats[0] ?? ''), pollOptions).toEqual(['Hi']);
    await local.idle();
    const heldAt = Date.now();
    await world.send(chats[1] ?? '');
    await expect.poll(() => world.sentTexts(chats[1] ?? ''), { timeout: 10_000, interval: 50 }).toEqual(['Hi']);
    expect(Date.now() - heldAt).toBeGreaterThan(2_000);
  });

  // The engine is idle only after the retries of earlier tests' invocations, which Lambda starts up to a minute later.
  it('keeps a dead letter open if its redrive could not start an execution', { timeout: 150_000 }, async () => {
    const chat = await world.chat();
    await world.fault({ kind: 'error', status: 422, method: 'send_event', count: 1 });
    await world.send(chat);
    await world.waitForExecutions();
    const [deadLetter] = await world.deadLetters(chat);
    const id = deadLetter?.id ?? '';
    await injectAwsFault(local, { service: 'states', operation: 'StartExecution', kind: 'unavailable', count: 100 });
    expect(await world.redrive(id, { force: true })).toBeGreaterThanOrEqual(500);
    await clearAwsFaults(local);
    expect(await world.deadLetters(chat)).toMatchObject([{ id }]);
    expect(await world.redrive(id, { force: true })).toBe(200);
    await world.waitForExecutions();
    expect(await world.sentTexts(chat)).toEqual(['Hi']);
  });

  it('rejects a requestId that is used again with one message more', async () => {
    const chat = await world.chat();
    const requestId = await world.send(chat, texts('one'));
    await world.waitForExecutions();
    await world.send(chat, { requestId, ...texts('one', 'two') });
    await world.waitForExecutions();
    expect(await world.sentTexts(chat)).toEqual(['one']);
    expect(await world.deadLetters(chat)).toMatchObject([{ errorName: 'RequestConflict' }]);
  });

  const button = { type: 'message', text: 'Yes', value: 'yes', postback_id: 'yes' };
  const cards = (...buttons: readonly object[]) => ({
    type: 'interactive',
    content: { templateId: 'cards', elements: [{ buttons }] },
  });

  it.each([
    ['40,000 invalid fields', { messages: [{ type: 'interactive', content: { elements: Array(40_000).fill({}) } }] }],
    ['20,000 invalid messages', { messages: Array(20_000).fill({ type: 1 }) }],
    ['fields of other types', { requestId: { a: 1 }, messages: 'x' }],
    ['60,000 invalid ids in one button', { messages: [cards({ ...button, user_ids: Array(60_000).fill(1) })] }],
    ['600 KB', texts('x'.repeat(600_000))],
    ['600 KB in its ids', { requestId: 'x'.repeat(300_000), metadata: { correlationId: 'x'.repeat(300_000) } }],
  ])('stores a short dead letter for a request with %s', async (_what, data) => {
    const chat = await world.chat();
    await world.send(chat, data);
    await local.idle();
    const [deadLetter] = await world.deadLetters(chat);
    expect(deadLetter).toMatchObject({ kind: 'rejected', errorName: 'RequestInvalid' });
    expect(deadLetter?.errorMessage.length).toBeLessThan(2_000);
  });

  it('sends every message once and in order if a third of the calls fail', { timeout: 240_000 }, async () => {
    const chats = await Promise.all(Array.from({ length: 8 }, () => world.chat()));
    for (const fault of [
      { kind: 'error', status: 500 },
      { kind: 'error', status: 503 },
      { kind: 'accept-then-reset' },
      { kind: 'accept-then-error' },
      { kind: 'reset-before-accept' },
      { kind: 'accept-late', latencyMs: 3_000 },
    ]) {
      await world.fault({ ...fault, method: 'send_event', probability: 0.05 });
    }
    const numbers = Array.from({ length: 5 }, (_, number) => String(number));
    for (const number of numbers) {
      await Promise.all(chats.map((chat) => world.send(chat, { ...texts(number), sentAt: Date.now() })));
    }
    await expect
      .poll(async () => Promise.all(chats.map((chat) => world.sentTexts(chat))), { timeout: 200_000, interval: 1_000 })
      .toEqual(chats.map(() => numbers));
    await world.waitForExecutions();
    expect(await Promise.all(chats.map((chat) => world.sentTexts(chat)))).toEqual(chats.map(() => numbers));
  });
});
