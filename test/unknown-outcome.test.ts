import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Local, startLocal } from './local.ts';
import { outbound } from './outbound.ts';

/** As long as a claim may hold, and a while for the machine. */
const longerThanALease = 90_000;

/** Each takes its time, since the bridge does: what may still arrive is waited for before it is sent again. */
describe('a message of which nobody knows whether it has arrived', () => {
  let local: Local;
  let other: ReturnType<typeof outbound>;
  beforeAll(async () => {
    local = await startLocal({ LIVECHAT_CALLS_PER_SECOND: '200' });
    other = outbound(local);
  });
  afterAll(() => local.stop());

  it.each([
    ['the call is dropped before LiveChat accepts it', { kind: 'reset-before-accept' }],
    ['the call is dropped, and LiveChat accepts it 5 s later', { kind: 'accept-late', latencyMs: 5_000 }],
  ])('is there once when %s', { timeout: longerThanALease }, async (_name, fault) => {
    const chat = await other.chat();
    await other.fault({ method: 'send_event', count: 1, ...fault });
    await other.send(chat);
    await other.settled();
    expect(await other.shown(chat)).toEqual(['Hi']);
  });

  it('is there once when the function dies between the call and its record', {
    timeout: 2 * longerThanALease,
  }, async () => {
    const chat = await other.chat();
    await other.fault({ method: 'send_event', count: 1, kind: 'accept-then-hang' });
    const requestId = await other.send(chat, other.text('survives'));
    await other.send(chat, other.text('comes after'));
    await expect.poll(() => other.shown(chat), { timeout: 10_000 }).toEqual(['survives']);
    await fetch(`${local.aws}/_local/kill`, { method: 'POST' });
    const transcript = async () => (await local.api(`/api/conversations/${chat}`)).body;
    await expect.poll(transcript, { timeout: longerThanALease, interval: 500 }).toMatchObject({
      messages: [
        {},
        { delivery: { requestId, status: 'delivered', tries: [{ outcome: 'lost' }] } },
        { content: 'comes after' },
      ],
      pending: [],
    });
    expect(await other.shown(chat)).toEqual(['survives', 'comes after']);
  });
});
