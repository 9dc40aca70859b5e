import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../test/depth.ts';
import { failures } from '../../test/model/scripted-channel.ts';
import { canClaim, memoryStores } from '../../test/model/stores.ts';
import { ChannelError, settlesAt } from '../channel/channel.ts';
import { Deferred } from '../channel/deferred.ts';
import { FileRefused } from '../media/errors.ts';
import { attemptError, retryPause } from './attempt.ts';
import {
  type AttemptEnd,
  type AttemptLog,
  addAttempt,
  attemptHistory,
  type Claim,
  type Delivery,
  maxAttempts,
  startAttempt,
} from './delivery.ts';
import { RequestExpired } from './errors.ts';

const now = 1_790_000_000_000;
const runs = propertyRuns(1_000);
const key = { id: 'out-1', organizationId: 'organization', conversationId: 'chat' };
const base: Delivery = {
  ...key,
  requestId: 'request',
  status: 'queued',
  content: '"Hi"',
  hash: 'hash',
  orderKey: now - 90_000,
  requestedAt: now - 90_400,
  acceptedAt: now - 90_000,
  leaseUntil: 0,
  unknown: 'no',
  settledAt: 0,
  firstAttemptAt: now - 80_000,
  failedCalls: 2,
  redrive: 0,
  lastError: 'ChannelServerError',
  threadId: '',
  messageId: '',
  attempts: [],
};
const claim: Claim = { leaseUntil: now + 60_000, redrive: 0, redrivenAt: undefined, now };

const time = fc.integer({ min: now - 100_000, max: now + 100_000 });
const delivery: fc.Arbitrary<Delivery> = fc
  .record({
    status: fc.constantFrom('queued', 'sending', 'sent', 'delivered', 'failed'),
    leaseUntil: time,
    unknown: fc.constantFrom('no', 'yes'),
    settledAt: time,
    firstAttemptAt: fc.option(time, { nil: undefined }),
    failedCalls: fc.nat(20),
    redrive: fc.nat(3),
  })
  .map((more) => ({ ...base, ...more }));
const claims = fc.nat(3).map((redrive) => ({ ...claim, redrive }));

describe('a claim', () => {
  it.each<[string, Partial<Delivery>, Partial<Claim>, boolean]>([
    ['is granted on a queued delivery', {}, {}, true],
    ['is granted on a queued delivery whatever its lease was', { leaseUntil: now + 1 }, {}, true],
    ['is refused to an earlier execution than the last', { redrive: 1 }, {}, false],
    ['is refused while another invocation may run', { status: 'sending', leaseUntil: now + 1 }, {}, false],
    ['is refused in the last ms of a lease', { status: 'sending', leaseUntil: now }, {}, false],
    ['is granted after a lease', { status: 'sending', leaseUntil: now - 1 }, {}, true],
    ['is refused to a redrive during a lease', { status: 'sending', leaseUntil: now + 1 }, { redrive: 1 }, false],
    ['is refused on a sent delivery', { status: 'sent' }, { redrive: 9 }, false],
    ['is refused on a delivered one', { status: 'delivered' }, { redrive: 9 }, false],
    ['is refused on a failed one', { status: 'failed' }, {}, false],
    ['is granted to a redrive of a failed one', { status: 'failed' }, { redrive: 1 }, true],
    ['is refused to an older redrive', { status: 'failed', redrive: 2 }, { redrive: 1 }, false],
  ])('%s', (_name, given, asked, granted) => {
    expect(canClaim({ ...base, ...given }, { ...claim, ...asked })).toBe(granted);
  });

  it('is never granted during a lease, on a sent delivery, or to an earlier execution', () => {
    fc.assert(
      fc.property(delivery, claims, (current, asked) => {
        if (!canClaim(current, asked)) return;
        expect(['sent', 'delivered']).not.toContain(current.status);
        if (current.status === 'sending') expect(current.leaseUntil).toBeLessThan(now);
        if (current.status === 'failed') expect(current.redrive).toBeLessThan(asked.redrive);
        if (current.status === 'queued') expect(current.redrive).toBeLessThanOrEqual(asked.redrive);
      }),
      runs,
    );
  });
});

describe('the history of an attempt', () => {
  it.each<[string, Partial<Delivery>, Partial<Claim>, object]>([
    ['has the failed calls', {}, {}, { failedCalls: 2, unknown: false }],
    ['counts them anew after a redrive, which probes', {}, { redrive: 1 }, { failedCalls: 0, unknown: true }],
    ['probes after an unknown outcome', { unknown: 'yes', settledAt: 7 }, {}, { unknown: true, settledAt: 7 }],
    [
      'probes after a lost invocation, which is settled after its lease',
      { status: 'sending', leaseUntil: now - 5, settledAt: 7 },
      {},
      { unknown: true, settledAt: now - 5 },
    ],
    ['looks as far back as the first attempt', {}, { redrive: 3 }, { firstAttemptAt: now - 80_000 }],
    [
      'probes for nothing before the first attempt',
      { firstAttemptAt: undefined, status: 'failed' },
      { redrive: 1 },
      { unknown: false, firstAttemptAt: now },
    ],
  ])('%s', (_name, given, asked, expected) => {
    expect(attemptHistory({ ...base, ...given }, { ...claim, ...asked })).toMatchObject(expected);
  });

  it('probes exactly for what may have been sent, and never settles earlier than known', () => {
    fc.assert(
      fc.property(delivery, claims, (before, asked) => {
        const history = attemptHistory(before, asked);
        const wasAttempted = before.firstAttemptAt !== undefined;
        const mayBeSent = wasAttempted && (before.status === 'sending' || before.redrive < asked.redrive);
        expect(history.unknown).toBe(mayBeSent || before.unknown === 'yes');
        expect(history.settledAt).toBeGreaterThanOrEqual(before.settledAt);
        if (mayBeSent) expect(history.settledAt).toBeGreaterThanOrEqual(before.leaseUntil);
      }),
      runs,
    );
  });

  it('of a redrive waits for the function of a stopped execution', async () => {
    const { deliveries } = memoryStores(10);
    await deliveries.create({
      ...key,
      requestId: 'r',
      hash: 'h',
      orderKey: 0,
      requestedAt: 0,
      acceptedAt: 0,
      content: '',
    });
    await deliveries.claim(key, claim);
    await deliveries.fail(key, { redrive: 0, error: 'ABORTED', at: now, deadLetterId: 'dead' });
    const redriven = { ...claim, redrive: 1, now: now + 5_000, leaseUntil: now + 65_000 };
    const result = await deliveries.claim(key, redriven);
    const history = result.claimed ? attemptHistory(result.before, redriven) : undefined;
    expect(history).toMatchObject({ unknown: true, settledAt: claim.leaseUntil });
  });
});

describe('the log of attempts', () => {
  const attempt = startAttempt(claim);
  const end: AttemptEnd = { endedAt: now + 200, outcome: 'failed', error: 'ChannelServerError' };

  it('names the redrive of an attempt', () => {
    expect(attempt).toEqual({ startedAt: now });
    const redriven = startAttempt({ ...claim, redrive: 2, redrivenAt: 900 });
    expect(redriven).toEqual({ startedAt: now, redrive: 2, redrivenAt: 900 });
  });

  it('adds the end of an attempt, and keeps one whose function was lost', () => {
    expect(addAttempt({ attempts: [] }, attempt, end)).toEqual({ attempts: [{ ...attempt, ...end }] });
    const lost = { startedAt: 1 };
    expect(addAttempt({ attempts: [lost] }, attempt, end)).toEqual({ attempts: [lost, { ...attempt, ...end }] });
  });

  it('does not record an attempt that was deferred before a failure', () => {
    expect(addAttempt({ attempts: [attempt] }, attempt, undefined)).toEqual({ attempts: [attempt] });
  });

  it('keeps the latest, and counts those before', () => {
    let log: AttemptLog = { attempts: [] };
    for (let startedAt = 1; startedAt <= maxAttempts + 5; startedAt += 1) log = addAttempt(log, { startedAt }, end);
    expect(log.attempts).toHaveLength(maxAttempts);
    expect(log.attempts[0]).toMatchObject({ startedAt: 6 });
    expect(log.omittedAttempts).toBe(5);
    // Lost attempts lengthen the log until one is recorded.
    const lost = Array.from({ length: 4 }, (_, startedAt) => ({ startedAt }));
    expect(addAttempt({ ...log, attempts: [...log.attempts, ...lost] }, attempt, end).omittedAttempts).toBe(10);
  });
});

describe('the error of an attempt', () => {
  const { serverError, noResponse } = failures;
  const server = { error: 'ChannelServerError', cause: '500 internal' };
  it.each<[string, unknown, object | undefined]>([
    ['has LiveChat’s codes', serverError, server],
    ['has the connection’s code', noResponse, { error: 'ChannelNetworkError', cause: 'ETIMEDOUT' }],
    ['has no text, which may quote the message', new FileRefused('secret.png'), { error: 'FileRefused' }],
    ['is the failure that deferred it', new Deferred(0, 'failing', { cause: serverError }), server],
    ['is the failure after which it expired', new RequestExpired('r', { cause: serverError }), server],
    ['is none where it was deferred before', new Deferred(0, 'rate'), undefined],
    ['is none where it expired before', new RequestExpired('r'), undefined],
    ['is the type of what is no error', 'text', { error: 'string' }],
  ])('%s', (_name, error, expected) => {
    expect(attemptError(error)).toEqual(expected);
  });

  it('is short, whatever LiveChat’s code is', () => {
    const error = new ChannelError('Client', {
      message: 'text',
      outcome: 'refused',
      status: 400,
      type: 'x'.repeat(500),
    });
    expect(attemptError(error)?.cause?.length).toBeLessThan(100);
  });
});

describe('after a failed call', () => {
  it.each<[number, number | undefined]>([
    [1, undefined],
    [3, undefined],
    [4, 30_000],
    [5, 120_000],
    [6, 300_000],
    [7, 600_000],
    [500, 600_000],
  ])('number %d, the pause is %o ms', (failedCalls, expected) => {
    expect(retryPause(failedCalls)).toBe(expected);
  });
});

describe('a message that is not found was not sent', () => {
  it('at once after LiveChat’s own error, else 20 s after the start of the call', () => {
    const { serverError, requestTimeout, noResponse, proxy } = failures;
    fc.assert(
      fc.property(time, fc.nat(60_000), (startedAt, took) => {
        const end = startedAt + took;
        expect(settlesAt(serverError, startedAt, end)).toBe(end);
        const others = [requestTimeout, noResponse, ...[500, 502, 503, 504, 520, 524].map(proxy)];
        for (const error of others) expect(settlesAt(error, startedAt, end)).toBe(startedAt + 20_000);
      }),
      runs,
    );
  });
});
