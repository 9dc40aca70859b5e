import { describe, expect, it } from 'vitest';
import { attempting, failures, timeout } from '../../test/model/attempting.ts';
import { deferral } from '../../test/model/gate-world.ts';
import { sentAt } from '../../test/model/scripted-carrier.ts';
import { FileRefused, FileUnavailable } from '../media/errors.ts';
import { Deferred, RequestExpired } from './errors.ts';

const {
  inactive,
  absent: notInChat,
  elsewhere,
  fourTwoNine,
  serverError,
  refused,
  clientError,
  authentication,
} = failures;
const doubtful = { unknown: true, settledAt: 0, firstAttemptAt: -5_000, attempts: 1 };

describe('an attempt', () => {
  it('sends, and no more', async () => {
    const { run, methods, release } = attempting();
    expect(await run()).toEqual(sentAt);
    expect(methods()).toEqual(['send']);
    expect(release()).toEqual({ unknown: 'no', settledAt: 0, attempts: 0, lastError: '' });
  });

  it.each<[string, Error, object]>([
    ['an answer of 500', serverError, { unknown: 'yes', settledAt: 300, attempts: 1 }],
    ['a time-out of LiveChat’s own', timeout('answered'), { unknown: 'yes', settledAt: 20_000, attempts: 1 }],
    ['no answer', timeout('none'), { unknown: 'yes', settledAt: 20_000, attempts: 1 }],
    ['a call that never left', timeout('never left'), { unknown: 'no', settledAt: 0, attempts: 1 }],
    ['a refusal', clientError, { unknown: 'no', settledAt: 0, attempts: 0 }],
  ])('leaves behind after %s what the next must know', async (_name, error, expected) => {
    const { run, release } = attempting({ script: { send: [error] }, callTakesMs: 300 });
    await expect(run()).rejects.toBe(error);
    expect(release()).toMatchObject({ ...expected, lastError: error.name });
  });

  it('starts no call with less than 25 s left in the function', async () => {
    const { run, methods } = attempting({ deadline: 24_999 });
    await expect(run()).rejects.toBeInstanceOf(Deferred);
    expect(methods()).toEqual([]);
    expect(await attempting({ deadline: 25_000 }).run()).toEqual(sentAt);
  });

  it('waits for LiveChat after the fourth failure, and tells the machine to try again before', async () => {
    const third = attempting({ script: { send: [serverError] }, history: { attempts: 2 } });
    await expect(third.run()).rejects.toBe(serverError);
    const fourth = attempting({ script: { send: [serverError] }, history: { attempts: 3 } });
    await expect(fourth.run()).rejects.toMatchObject({ name: 'Deferred', until: 30_000 });
    expect(fourth.release()).toMatchObject({ attempts: 4, unknown: 'yes' });
  });

  it.each([
    ['has expired meanwhile', 5, 0],
    ['will have expired by the next try', 30_000, 3],
  ])('ends a request that %s, and still knows that it may have arrived', async (_name, expiresAt, attempts) => {
    const script = { send: [serverError] };
    const { run, release } = attempting({ script, history: { attempts }, expiresAt, callTakesMs: 10 });
    await expect(run()).rejects.toMatchObject({ name: 'RequestExpired', cause: serverError });
    expect(release()).toMatchObject({ unknown: 'yes' });
  });

  it('comes back when the rate limit allows, and does not count it as a failure', async () => {
    const { run, release, gate } = attempting({ script: { send: [fourTwoNine(7_000)] } });
    await expect(run()).rejects.toMatchObject({ name: 'Deferred', until: 7_000 + 103 - 1_030 });
    expect(release()).toMatchObject({ unknown: 'no', attempts: 0 });
    expect(await gate()).toMatchObject({ nextSlotAt: 7_000, interval: 129, epoch: 1 });
  });

  it('comes back in a second when a rate limit names no time', async () => {
    const { run, gate } = attempting({ script: { send: [fourTwoNine(undefined)] } });
    await expect(run()).rejects.toBeInstanceOf(Deferred);
    expect(await gate()).toMatchObject({ nextSlotAt: 1_000 });
  });
});

describe('an attempt after one of unknown outcome', () => {
  it('does not send what is there', async () => {
    const { run, methods, since } = attempting({
      script: { find: ['found'] },
      history: { ...doubtful, settledAt: 9e9 },
    });
    expect(await run()).toEqual(sentAt);
    expect(methods()).toEqual(['find']);
    expect(since).toEqual([-5_000]);
  });

  it('sends what is absent once nothing can be at work any more', async () => {
    const { run, methods } = attempting({ history: doubtful });
    expect(await run()).toEqual(sentAt);
    expect(methods()).toEqual(['find', 'send']);
  });

  it('comes back when absent does not mean not sent yet', async () => {
    const { run, methods, release } = attempting({ history: { ...doubtful, settledAt: 12_000 } });
    await expect(run()).rejects.toMatchObject({ name: 'Deferred', until: 12_050 });
    expect(methods()).toEqual(['find']);
    expect(release()).toMatchObject({ unknown: 'yes', settledAt: 12_000 });
  });

  it.each([serverError, timeout('none'), clientError, fourTwoNine(0)])(
    'still does not know when it cannot look: %s',
    async (error) => {
      const { run, methods, release } = attempting({
        script: { find: [error] },
        history: { ...doubtful, settledAt: 5 },
      });
      await expect(run()).rejects.toThrow();
      expect(methods()).toEqual(['find']);
      expect(release()).toMatchObject({ unknown: 'yes', settledAt: 5 });
    },
  );

  it('looks for what may have arrived even after its time, and sends no more then', async () => {
    const there = attempting({ script: { find: ['found'] }, history: doubtful, expiresAt: 0 });
    expect(await there.run()).toEqual(sentAt);
    const absent = attempting({ history: doubtful, expiresAt: 0 });
    await expect(absent.run()).rejects.toBeInstanceOf(RequestExpired);
    expect(absent.methods()).toEqual(['find']);
  });

  it('knows that it was not sent when it was absent and the next call is refused', async () => {
    const { run, release } = attempting({ script: { send: [clientError] }, history: doubtful });
    await expect(run()).rejects.toBe(clientError);
    expect(release()).toMatchObject({ unknown: 'no' });
  });
});

describe('a file', () => {
  it('is fetched, uploaded and sent, with a slot for each call and none for the fetching', async () => {
    const { run, methods, gate } = attempting({ script: { fetch: ['ok'] } });
    expect(await run()).toEqual(sentAt);
    expect(methods()).toEqual(['fetch', 'upload', 'send']);
    expect(await gate()).toMatchObject({ calls: 2 });
  });

  it('takes as long as it likes before its upload has a slot', async () => {
    const { run, gate } = attempting({ script: { fetch: ['ok'] }, callTakesMs: 9_000 });
    await run();
    // Upload at 9 s, message at 18 s.
    expect(await gate()).toMatchObject({ nextSlotAt: 18_103 });
  });

  it('is not fetched again for another try of its upload', async () => {
    const { run, calls } = attempting({
      script: { fetch: ['ok'], upload: [authentication, elsewhere('fra')] },
      fresh: 1,
    });
    expect(await run()).toEqual(sentAt);
    expect(calls.map(({ method }) => method)).toEqual(['fetch', 'upload', 'upload', 'upload', 'send']);
  });

  it.each([new FileRefused('not https'), new FileUnavailable('gone')])(
    'that cannot be had costs no call and no slot: %s',
    async (error) => {
      const { run, methods, gate } = attempting({ script: { fetch: [error] } });
      await expect(run()).rejects.toBe(error);
      expect(methods()).toEqual(['fetch']);
      expect(await gate()).toMatchObject({ calls: 0, nextSlotAt: 0 });
    },
  );

  it('is not fetched with too little time left for it and a call', async () => {
    const { run, methods } = attempting({ script: { fetch: ['ok'] }, deadline: 39_999 });
    await expect(run()).rejects.toMatchObject({ name: 'Deferred', reason: 'time' });
    expect(methods()).toEqual([]);
    expect(await attempting({ script: { fetch: ['ok'] }, deadline: 40_000 }).run()).toEqual(sentAt);
  });

  it.each([
    ['is paused', { paused: 'yes' }, 60_000],
    ['has its breaker open', { breaker: 'open', reason: 'failures', openUntil: 30_000 }, 500],
    ['has no slot that is near', { nextSlotAt: 90_000 }, 500],
  ] as const)('is not fetched in vain while the gate %s', async (_name, opened, earliest) => {
    const { run, methods } = attempting({ script: { fetch: ['ok'] }, opened });
    const until = await deferral(run());
    expect(until).toBeGreaterThanOrEqual(earliest);
    expect(methods()).toEqual([]);
  });

  it('that may have been sent already is looked for first', async () => {
    const { run, methods } = attempting({ script: { fetch: ['ok'], find: ['found'] }, history: doubtful });
    expect(await run()).toEqual(sentAt);
    expect(methods()).toEqual(['find']);
  });
});

describe('credentials that are refused', () => {
  it('are read again, once, and tried once', async () => {
    const { run, calls, locked, did } = attempting({ script: { send: [authentication] }, fresh: 2 });
    expect(await run()).toEqual(sentAt);
    expect(did()).toEqual(['new credentials']);
    expect(calls).toEqual([{ method: 'send' }, { method: 'send', fresh: true }]);
    expect(locked()).toBe(0);
  });

  it.each([
    ['are what they were', 0, 1],
    ['are refused when fresh', 2, 2],
  ])('that %s close the gate, and a human is called', async (_name, fresh, calls) => {
    const { run, methods, locked, gate } = attempting({ script: { send: [authentication, authentication] }, fresh });
    await expect(run()).rejects.toBe(authentication);
    expect(methods()).toHaveLength(calls);
    expect(locked()).toBe(1);
    expect(await gate()).toMatchObject({ breaker: 'open', reason: 'credentials' });
  });

  it('do not make an unknown outcome of the second call forgotten', async () => {
    const { run, release } = attempting({
      script: { send: [authentication, timeout('none')] },
      fresh: 1,
      callTakesMs: 400,
    });
    await expect(run()).rejects.toMatchObject({ name: 'LiveChatNetworkError' });
    // The second call took the slot behind the first, or began when the first had ended.
    expect(release()).toMatchObject({ unknown: 'yes', settledAt: 20_400, attempts: 1 });
  });

  it('that are fresh are those of the calls that follow', async () => {
    const { run, calls } = attempting({ script: { send: [authentication, inactive] }, fresh: 1 });
    expect(await run()).toEqual(sentAt);
    expect(calls.slice(1)).toEqual(['send', 'resume', 'send'].map((method) => ({ method, fresh: true })));
  });
});

describe('the one trial of an open breaker', () => {
  const opened = { breaker: 'open', reason: 'failures', openUntil: 0 } as const;

  it.each([
    ['goes well', 'ok' as const],
    ['is refused for what this message says', clientError],
  ])('closes it when it %s', async (_name, outcome) => {
    const { run, gate } = attempting({ script: { send: [outcome] }, opened });
    await run().catch(() => {});
    expect(await gate()).toMatchObject({ breaker: 'closed', epoch: 1 });
  });

  it.each([serverError, refused])('opens it again when it fails: %s', async (error) => {
    const { run, gate } = attempting({ script: { send: [error] }, opened });
    await expect(run()).rejects.toThrow();
    expect(await gate()).toMatchObject({ breaker: 'open', epoch: 1 });
  });

  it.each([new FileRefused('not https'), new FileUnavailable('gone')])(
    'is left to another when no call was made after all: %s',
    async (error) => {
      const { run, gate } = attempting({ script: { fetch: [error] }, opened });
      await expect(run()).rejects.toBe(error);
      expect(await gate()).toMatchObject({ breaker: 'open', trialUntil: 0 });
    },
  );
});

describe('what was repaired', () => {
  it('is told apart by what is to be repaired: each may be, in one attempt', async () => {
    const { run, methods, did } = attempting({ script: { send: [elsewhere('fra'), inactive, notInChat] } });
    expect(await run()).toEqual(sentAt);
    expect(methods()).toEqual(['send', 'send', 'resume', 'send', 'join', 'send']);
    expect(did()).toEqual(['followed', 'resumed', 'joined']);
  });
});
