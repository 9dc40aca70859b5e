import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Local, startLocal } from './local.ts';
import { outbound } from './outbound.ts';

/** Above the maximum lease of a claim. */
const testTimeoutMs = 90_000;

/** Slow: before it sends again, the bridge waits until the earlier call can no longer arrive. */
describe('a message whose delivery outcome is unknown', () => {
  let local: Local;
  let world: ReturnType<typeof outbound>;
  beforeAll(async () => {
    local = await startLocal({ LIVECHAT_CALLS_PER_SECOND: '200' });
    world = outbound(local);
  });
  afterAll(() => local.stop());

  it.each([
    ['the call is dropped before LiveChat accepts it', { kind: 'reset-before-accept' }],
    ['the call is dropped, and LiveChat accepts it 5 s later', { kind: 'accept-late', latencyMs: 5_000 }],
  ])('is sent once if %s', { timeout: testTimeoutMs }, async (_name, fault) => {
    const chat = await world.chat();
    await world.fault({ method: 'send_event', count: 1, ...fault });
    await world.send(chat);
    await world.waitForExecutions();
    expect(await world.sentTexts(chat)).toEqual(['Hi']);
  });

  it('is sent once if the function dies after the call, before the outcome is recorded', {
    timeout: 2 * testTimeoutMs,
  }, async () => {
    const chat = await world.chat();
    await world.fault({ method: 'send_event', count: 1, kind: 'accept-then-hang' });
    const requestId = await world.send(chat, world.text('first'));
    await world.send(chat, world.text('second'));
    await expect.poll(() => world.sentTexts(chat), { timeout: 10_000 }).toEqual(['first']);
    await fetch(`${local.aws}/_local/kill`, { method: 'POST' });
    await expect
      .poll(() => world.read(chat), { timeout: testTimeoutMs, interval: 500 })
      .toMatchObject({
        messages: [
          {},
          { delivery: { requestId, status: 'delivered', attempts: [{ outcome: 'lost' }] } },
          { content: 'second' },
        ],
        pending: [],
      });
    expect(await world.sentTexts(chat)).toEqual(['first', 'second']);
  });
});
