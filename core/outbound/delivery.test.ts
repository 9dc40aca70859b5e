import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryStores } from '../../test/model/stores.ts';
import { type Claim, type Delivery, historyOf, mayClaim } from './delivery.ts';

const now = 1_790_000_000_000;
const runs = { numRuns: 1_000 };
const base: Delivery = {
  id: 'out-1',
  organizationId: 'organization',
  conversationId: 'chat',
  requestId: 'request',
  status: 'unsent',
  fingerprint: 'content',
  leaseUntil: 0,
  unknown: 'no',
  settledAt: 0,
  firstAttemptAt: now - 90_000,
  attempts: 2,
  redrive: 0,
  lastError: 'LiveChatServerError',
  threadId: '',
  messageId: '',
};
const who = { requestedAt: now - 400, redrivenAt: undefined, run: 'run' };
const claim: Claim = { fingerprint: 'content', leaseUntil: now + 60_000, redrive: 0, now, ...who };

const time = fc.integer({ min: now - 100_000, max: now + 100_000 });
const delivery: fc.Arbitrary<Delivery> = fc.record({
  id: fc.constant(base.id),
  organizationId: fc.constant(base.organizationId),
  conversationId: fc.constant(base.conversationId),
  requestId: fc.constant(base.requestId),
  status: fc.constantFrom('unsent', 'sending', 'sent', 'delivered', 'failed'),
  fingerprint: fc.constantFrom('content', 'content', 'other content'),
  leaseUntil: time,
  unknown: fc.constantFrom('no', 'yes'),
  settledAt: time,
  firstAttemptAt: time,
  attempts: fc.nat(20),
  redrive: fc.nat(3),
  lastError: fc.constantFrom('', 'LiveChatServerError'),
  threadId: fc.constant(''),
  messageId: fc.constant(''),
});
const claims: fc.Arbitrary<Claim> = fc.record({
  fingerprint: fc.constant('content'),
  leaseUntil: fc.constant(now + 60_000),
  redrive: fc.nat(3),
  now: fc.constant(now),
  requestedAt: fc.constant(who.requestedAt),
  redrivenAt: fc.constant(undefined),
  run: fc.constant(who.run),
});

describe('a claim', () => {
  it.each<[string, Partial<Delivery>, Partial<Claim>, boolean]>([
    ['is granted on what was released', { status: 'unsent' }, {}, true],
    ['is granted on what was released, though its lease would still run', { leaseUntil: now + 1 }, {}, true],
    ['is refused while another is at work', { status: 'sending', leaseUntil: now + 1 }, {}, false],
    ['is refused in the last moment of a lease', { status: 'sending', leaseUntil: now }, {}, false],
    ['is granted over a lease that is over', { status: 'sending', leaseUntil: now - 1 }, {}, true],
    [
      'is refused even to a redrive while another is at work',
      { status: 'sending', leaseUntil: now + 1 },
      { redrive: 1 },
      false,
    ],
    ['is refused on what was sent', { status: 'sent' }, { redrive: 9 }, false],
    ['is refused on what was delivered', { status: 'delivered' }, { redrive: 9 }, false],
    ['is refused on what was given up', { status: 'failed' }, {}, false],
    ['is granted to a redrive of what was given up', { status: 'failed' }, { redrive: 1 }, true],
    ['is refused to an older redrive', { status: 'failed', redrive: 2 }, { redrive: 1 }, false],
    ['is refused to other content', { status: 'unsent' }, { fingerprint: 'other' }, false],
  ])('%s', (_name, given, asked, granted) => {
    expect(mayClaim({ ...base, ...given }, { ...claim, ...asked })).toBe(granted);
  });

  it('is granted on what nobody has claimed', () => {
    expect(mayClaim(undefined, claim)).toBe(true);
  });

  it('is never granted over a running lease, over what has arrived, or over other content', () => {
    fc.assert(
      fc.property(delivery, claims, (before, asked) => {
        if (!mayClaim(before, asked)) return;
        expect(['sent', 'delivered']).not.toContain(before.status);
        expect(before.fingerprint).toBe(asked.fingerprint);
        if (before.status === 'sending') expect(before.leaseUntil).toBeLessThan(now);
        if (before.status === 'failed') expect(before.redrive).toBeLessThan(asked.redrive);
      }),
      runs,
    );
  });
});

describe('what the next attempt knows', () => {
  it.each<[string, Partial<Delivery>, Partial<Claim>, object]>([
    ['counts the failures', {}, {}, { attempts: 2, unknown: false }],
    ['counts them anew at a redrive, and has it looked for', {}, { redrive: 1 }, { attempts: 0, unknown: true }],
    [
      'has it looked for when its outcome is unknown',
      { unknown: 'yes', settledAt: 7 },
      {},
      { unknown: true, settledAt: 7 },
    ],
    [
      'has it looked for when who claimed it has died, which is certain when the lease is over',
      { status: 'sending', leaseUntil: now - 5, settledAt: 7 },
      {},
      { unknown: true, settledAt: now - 5 },
    ],
    ['looks as far back as the first attempt', {}, { redrive: 3 }, { firstAttemptAt: now - 90_000 }],
  ])('%s', (_name, given, asked, expected) => {
    expect(historyOf({ ...base, ...given }, { ...claim, ...asked })).toMatchObject(expected);
  });

  it('is nothing when there was none', () => {
    expect(historyOf(undefined, claim)).toEqual({
      attempts: 0,
      unknown: false,
      settledAt: 0,
      firstAttemptAt: now,
      lastError: '',
    });
  });

  it('says to look for whatever was being sent, is redriven, or is unknown, and for nothing else', () => {
    fc.assert(
      fc.property(delivery, claims, (before, asked) => {
        const history = historyOf(before, asked);
        const doubtful = before.status === 'sending' || before.redrive < asked.redrive || before.unknown === 'yes';
        expect(history.unknown).toBe(doubtful);
        expect(history.firstAttemptAt).toBe(before.firstAttemptAt);
        expect(history.settledAt).toBeGreaterThanOrEqual(
          before.status === 'sending' ? before.leaseUntil : before.settledAt,
        );
      }),
      runs,
    );
  });
});

describe('a redrive of what was given up while a stopped run’s function was still sending it', () => {
  const key = { id: 'out-1', requestId: 'request', organizationId: 'organization', conversationId: 'chat' };
  const { fingerprint } = claim;

  it('does not take an absent message for one that was not sent before that function has ended', async () => {
    const { deliveries } = memoryStores(10);
    await deliveries.claim(key, claim);
    await deliveries.giveUp(key, { fingerprint, redrive: 0, error: 'ABORTED', at: now, deadLetterId: 'letter' });
    const redriven = { ...claim, redrive: 1, now: now + 5_000, leaseUntil: now + 65_000 };
    const again = await deliveries.claim(key, redriven);
    const settled = again.claimed ? historyOf(again.before, redriven) : { unknown: true, settledAt: claim.leaseUntil };
    expect(settled).toMatchObject({ unknown: true, settledAt: claim.leaseUntil });
  });
});
