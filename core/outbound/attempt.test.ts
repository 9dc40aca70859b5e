import { describe, expect, it } from 'vitest';
import { organizationId, rateLimitWorld } from '../../test/model/rate-limit-world.ts';
import { executionInput } from '../../test/model/requests.ts';
import { failures, type Script, scriptedChannel, sentMessage } from '../../test/model/scripted-channel.ts';
import type { RateLimitState } from '../channel/rate-limit.ts';
import { FileRefused, FileUnavailable } from '../media/errors.ts';
import { type AttemptResult, attempt } from './attempt.ts';
import type { AttemptHistory } from './delivery.ts';
import { RequestExpired } from './errors.ts';
import type { SendOptions } from './request.ts';

const { inactive, absent, crowded, otherRegion, clientError, serverError, authentication, forbidden, unscoped } =
  failures;
const { noResponse, notConnected, requestTimeout, proxy, rateLimit } = failures;
/** From a reservation to a first slot: two writes. */
const notice = 35;
const interval = 104;
const unknownBefore = { unknown: true, settledAt: 0, firstAttemptAt: -5_000, failedCalls: 1 };

interface Setting {
  readonly script?: Script;
  readonly history?: Partial<AttemptHistory>;
  readonly options?: Partial<SendOptions>;
  /** How often the credentials have changed when they are read again. */
  readonly fresh?: number;
  readonly callTakesMs?: number;
  readonly expiresAt?: number;
  readonly limit?: Partial<RateLimitState>;
  /** Fails the writes of the rate limit from the first call on. */
  readonly failingWrites?: number;
  readonly deadline?: number;
}

/** One attempt in virtual time, from 0 on, at a channel that follows a script. */
function attemptWith({ script = {}, fresh = 0, callTakesMs = 0, ...setting }: Setting = {}) {
  const world = rateLimitWorld(setting.limit);
  const { time } = world;
  const before = async () => {
    if (setting.failingWrites) world.failWrites(setting.failingWrites);
    await time.sleep(callTakesMs);
  };
  const { channel, ...scripted } = scriptedChannel(script, { fresh, before });
  const limiter = world.createLimiter(organizationId, { share: 'sends' });
  let blocked = 0;
  const start = () =>
    attempt({
      request: executionInput({
        options: { onInactive: 'resume', onAbsent: 'join', ...setting.options },
        expiresAt: setting.expiresAt ?? 900_000,
      }),
      id: 'out-1',
      content: 'Hi',
      hasFile: script.fetch !== undefined,
      history: { failedCalls: 0, unknown: false, settledAt: 0, firstAttemptAt: 0, lastError: '', ...setting.history },
      channel,
      limiter,
      clock: time,
      deadline: setting.deadline ?? 900_000,
      onCredentialsBlocked: async () => {
        blocked += 1;
      },
    });
  return { ...world, ...scripted, run: () => world.live(start), blocked: () => blocked };
}

const sent = { kind: 'sent', sent: sentMessage, wasFound: false, repairs: [] };

/** What a failed attempt leaves for the next. */
function failure(result: AttemptResult) {
  if (result.kind !== 'failed') throw new Error(`the attempt ended with ${result.kind}`);
  return result;
}

describe('an attempt', () => {
  it('sends with one call', async () => {
    const { run, methods, sent: messages } = attemptWith();
    expect(await run()).toEqual(sent);
    expect(methods()).toEqual(['send']);
    expect(messages).toEqual([{ id: 'out-1', content: 'Hi' }]);
  });

  it.each<[string, Error, object]>([
    ['LiveChat’s own server error', serverError, { unknown: 'yes', settledAt: 300, failedCalls: 1 }],
    ['LiveChat’s own timeout', requestTimeout, { unknown: 'yes', settledAt: 20_000, failedCalls: 1 }],
    ...[502, 503, 504, 520, 521, 522, 523, 524].map((status): [string, Error, object] => [
      `a proxy’s ${status}`,
      proxy(status),
      { unknown: 'yes', settledAt: 20_000, failedCalls: 1 },
    ]),
    ['no response', noResponse, { unknown: 'yes', settledAt: 20_000, failedCalls: 1 }],
    ['no connection', notConnected, { unknown: 'no', settledAt: 0, failedCalls: 1 }],
    ['a rejection', clientError, { unknown: 'no', settledAt: 0, failedCalls: 1 }],
  ])('records after %s what the next must know', async (_name, error, expected) => {
    const { run } = attemptWith({ script: { send: [error] }, callTakesMs: 300 });
    const result = failure(await run());
    expect(result.error).toBe(error);
    expect(result.state).toEqual({ lastError: error.name, ...expected });
  });

  it('settles 20 s after any other error, which says nothing about LiveChat', async () => {
    const { run } = attemptWith({ script: { send: [new TypeError('no JSON')] }, callTakesMs: 300 });
    expect(failure(await run()).state).toMatchObject({ unknown: 'yes', settledAt: 20_000 });
  });

  it('defers after the fourth failed call, and lets the state machine retry before', async () => {
    const third = attemptWith({ script: { send: [serverError] }, history: { failedCalls: 2 } });
    expect(failure(await third.run()).error).toBe(serverError);
    const fourth = attemptWith({ script: { send: [serverError] }, history: { failedCalls: 3 } });
    const { error, state } = failure(await fourth.run());
    expect(error).toMatchObject({ name: 'Deferred', reason: 'failing', until: 30_000, cause: serverError });
    expect(state).toMatchObject({ failedCalls: 4, unknown: 'yes', settledAt: 0 });
  });

  it.each([
    ['has expired meanwhile', 10, 0],
    ['will have expired by the next attempt', 30_000, 3],
  ])('does not end a request that %s, if the message may be sent', async (_name, expiresAt, failedCalls) => {
    const setting = { script: { send: [serverError] }, history: { failedCalls }, expiresAt, callTakesMs: 20 };
    const { error, state } = failure(await attemptWith(setting).run());
    expect(error).not.toBeInstanceOf(RequestExpired);
    expect(state).toMatchObject({ unknown: 'yes', failedCalls: failedCalls + 1 });
  });

  it('makes no call for a request that has expired', async () => {
    const { run, methods } = attemptWith({ expiresAt: 0 });
    expect(failure(await run()).error).toMatchObject({ name: 'RequestExpired' });
    expect(methods()).toEqual([]);
  });

  it('is deferred after a 429, which is not counted as a failed call', async () => {
    const { run, read } = attemptWith({ script: { send: [rateLimit(7_000)] } });
    const { error, state } = failure(await run());
    expect(error).toMatchObject({ name: 'Deferred', reason: 'limited', slot: { at: 7_000, epoch: 1 } });
    expect(state).toMatchObject({ unknown: 'no', failedCalls: 0 });
    expect(await read()).toMatchObject({ interval: 110, epoch: 1 });
  });

  it('of which nothing was sent is not unknown when its slot is far away', async () => {
    const { run, methods } = attemptWith({ limit: { sendsTat: 60_000 } });
    const { error, state } = failure(await run());
    expect(error).toMatchObject({ name: 'Deferred', reason: 'rate', slot: { at: 60_000, epoch: 0 } });
    expect(state).toMatchObject({ unknown: 'no', failedCalls: 0 });
    expect(methods()).toEqual([]);
  });
});

describe('an attempt whose rate limit cannot be written', () => {
  const breaker = { breaker: 'open', reason: 'failures', openUntil: 0 } as const;
  it('is sent nevertheless', async () => {
    expect(await attemptWith({ limit: breaker, failingWrites: 9 }).run()).toEqual(sent);
  });

  it.each([serverError, noResponse, clientError])('records the outcome of the call: %s', async (error) => {
    const plain = failure(await attemptWith({ script: { send: [error] } }).run());
    const failing = failure(await attemptWith({ script: { send: [error] }, failingWrites: 9 }).run());
    expect(failing).toEqual(plain);
  });
});

describe('an attempt after one with an unknown outcome', () => {
  it('does not send what is there', async () => {
    const { run, methods, since } = attemptWith({
      script: { find: ['found'] },
      history: { ...unknownBefore, settledAt: 9e9 },
    });
    expect(await run()).toEqual({ ...sent, wasFound: true });
    expect(methods()).toEqual(['find']);
    expect(since).toEqual([-5_000]);
  });

  it('does not send again if the earlier attempt may have settled after LiveChat read the chat', async () => {
    const { run, methods } = attemptWith({ history: { ...unknownBefore, settledAt: 100 }, callTakesMs: 200 });
    const { error, state } = failure(await run());
    expect(error).toMatchObject({ name: 'Deferred', reason: 'unknown' });
    expect(state).toMatchObject({ unknown: 'yes', settledAt: 100 });
    expect(methods()).toEqual(['find']);
  });

  it('sends what is absent after the settle time', async () => {
    const { run, methods } = attemptWith({ history: unknownBefore });
    expect(await run()).toEqual(sent);
    expect(methods()).toEqual(['find', 'send']);
  });

  it('starts no call that could outlast the function, and remembers what the probe has shown', async () => {
    const { run, methods } = attemptWith({ history: unknownBefore, callTakesMs: 10_000, deadline: 30_000 });
    const { error, state } = failure(await run());
    expect(error).toMatchObject({ name: 'Deferred', reason: 'time' });
    expect(state).toMatchObject({ unknown: 'no', failedCalls: 1 });
    expect(methods()).toEqual(['find']);
  });

  it('is deferred to the settle time while absent does not mean not sent', async () => {
    const { run, methods } = attemptWith({ history: { ...unknownBefore, settledAt: 12_345 } });
    const { error, state } = failure(await run());
    expect(error).toMatchObject({ name: 'Deferred', reason: 'unknown', until: 13_000 });
    expect(state).toMatchObject({ unknown: 'yes', settledAt: 12_345 });
    expect(methods()).toEqual(['find']);
  });

  it.each([serverError, noResponse, clientError, rateLimit(0)])(
    'stays unknown if it cannot look: %s',
    async (error) => {
      const { run, methods } = attemptWith({ script: { find: [error] }, history: { ...unknownBefore, settledAt: 5 } });
      expect(failure(await run()).state).toMatchObject({ unknown: 'yes', settledAt: 5 });
      expect(methods()).toEqual(['find']);
    },
  );

  it('looks even after the expiry, and then sends no more', async () => {
    const there = attemptWith({ script: { find: ['found'] }, history: unknownBefore, expiresAt: 0 });
    expect(await there.run()).toMatchObject({ kind: 'sent', wasFound: true });
    const missing = attemptWith({ history: unknownBefore, expiresAt: 0 });
    const { error, state } = failure(await missing.run());
    expect(error).toMatchObject({ name: 'RequestExpired' });
    expect(state).toMatchObject({ unknown: 'no' });
    expect(missing.methods()).toEqual(['find']);
  });

  it('is no longer unknown when it was absent and the next call is rejected', async () => {
    const { run } = attemptWith({ script: { send: [clientError] }, history: unknownBefore });
    expect(failure(await run()).state).toMatchObject({ unknown: 'no' });
  });

  it('is no longer unknown when it was absent and the next call gets a 429', async () => {
    const { run, methods } = attemptWith({ history: unknownBefore, script: { send: [rateLimit(60_000)] } });
    expect(failure(await run()).state).toMatchObject({ unknown: 'no' });
    expect(methods()).toEqual(['find', 'send']);
  });

  it('is no longer unknown when it was absent and the slot of the next call is far away', async () => {
    const setting = { history: unknownBefore, callTakesMs: 500 };
    const { run, methods, set, time } = attemptWith(setting);
    time.at(200, () => void set({ sendsTat: 60_000 }));
    const { error, state } = failure(await run());
    expect(error).toMatchObject({ name: 'Deferred', slot: { at: 60_000 } });
    expect(state).toMatchObject({ unknown: 'no' });
    expect(methods()).toEqual(['find']);
  });
});

describe('a file', () => {
  it('is downloaded, uploaded and sent, with a slot for each call and none for the download', async () => {
    const { run, methods, read } = attemptWith({ script: { fetch: ['ok'] } });
    expect(await run()).toEqual(sent);
    expect(methods()).toEqual(['fetch', 'upload', 'send']);
    expect(await read()).toMatchObject({ sendsTat: notice + 2 * interval });
  });

  it('is downloaded before its upload has a slot', async () => {
    const { run, sent: messages, time } = attemptWith({ script: { fetch: ['ok'] }, callTakesMs: 9_000 });
    await run();
    expect(messages).toEqual([{ id: 'out-1', content: 'Hi fetched ok' }]);
    expect(time.now()).toBeLessThan(27_200);
  });

  it('is not downloaded again for another attempt to upload it', async () => {
    const script: Script = { fetch: ['ok'], upload: [authentication, otherRegion('fra')] };
    const { run, methods } = attemptWith({ script, fresh: 1 });
    expect(await run()).toMatchObject({ kind: 'sent', repairs: ['new credentials', 'changed region'] });
    expect(methods()).toEqual(['fetch', 'upload', 'upload', 'upload', 'send']);
  });

  it.each([new FileRefused('not https'), new FileUnavailable('gone')])(
    'that cannot be downloaded costs no call: %s',
    async (error) => {
      const { run, methods } = attemptWith({ script: { fetch: [error] } });
      const result = failure(await run());
      expect(result.error).toBe(error);
      expect(result.state).toMatchObject({ unknown: 'no', failedCalls: 0 });
      expect(methods()).toEqual(['fetch']);
    },
  );

  it('whose upload fails was not sent', async () => {
    const { run } = attemptWith({ script: { fetch: ['ok'], upload: [noResponse] } });
    expect(failure(await run()).state).toMatchObject({ unknown: 'no', failedCalls: 1 });
  });

  it('that may have been sent already is looked for first', async () => {
    const { run, methods } = attemptWith({ script: { fetch: ['ok'], find: ['found'] }, history: unknownBefore });
    expect(await run()).toMatchObject({ kind: 'sent', wasFound: true });
    expect(methods()).toEqual(['find']);
  });
});

describe('rejected credentials', () => {
  it('are read again and tried once', async () => {
    const { run, calls, blocked } = attemptWith({ script: { send: [authentication] }, fresh: 2 });
    expect(await run()).toEqual({ ...sent, repairs: ['new credentials'] });
    expect(calls).toEqual([{ method: 'send' }, { method: 'send', fresh: true }]);
    expect(blocked()).toBe(0);
  });

  it.each<[string, Error, number, number]>([
    ['have not changed', authentication, 0, 1],
    ['are rejected again', authentication, 2, 2],
    ['lack a scope', unscoped, 0, 1],
  ])('that %s open the breaker, and are announced', async (_name, error, fresh, calls) => {
    const { run, methods, blocked, read } = attemptWith({ script: { send: [error, error] }, fresh });
    expect(failure(await run()).error).toBe(error);
    expect(methods()).toHaveLength(calls);
    expect(blocked()).toBe(1);
    expect(await read()).toMatchObject({ breaker: 'open', reason: 'credentials' });
  });

  it.each<[string, Script, object]>([
    ['the chat', { send: [forbidden] }, {}],
    ['the chat that the sender would join', { send: [absent], join: [forbidden] }, {}],
    ['the chat in which the message may be', { find: [forbidden] }, unknownBefore],
  ])('for %s alone keep the breaker closed', async (_name, script, history) => {
    const { run, blocked, read } = attemptWith({ script, history });
    expect(failure(await run()).error).toBe(forbidden);
    expect(blocked()).toBe(0);
    expect(await read()).toMatchObject({ breaker: 'closed' });
  });

  it('do not hide an unknown outcome of the second call', async () => {
    const script: Script = { send: [authentication, noResponse] };
    const { run } = attemptWith({ script, fresh: 1, callTakesMs: 400 });
    const { error, state } = failure(await run());
    expect(error).toBe(noResponse);
    // The second call has a slot of its own.
    expect(state).toMatchObject({ unknown: 'yes', settledAt: 400 + 20_000, failedCalls: 1 });
  });

  it('that were replaced are those of the later calls', async () => {
    const { run, calls } = attemptWith({ script: { send: [authentication, inactive] }, fresh: 1 });
    expect(await run()).toMatchObject({ kind: 'sent' });
    expect(calls.slice(1)).toEqual(['send', 'resume', 'send'].map((method) => ({ method, fresh: true })));
  });
});

describe('an inactive chat', () => {
  it('is resumed once', async () => {
    const once = attemptWith({ script: { send: [inactive] } });
    expect(await once.run()).toEqual({ ...sent, repairs: ['resumed'] });
    expect(once.methods()).toEqual(['send', 'resume', 'send']);
    const twice = attemptWith({ script: { send: [inactive, inactive] } });
    expect(failure(await twice.run())).toMatchObject({ error: inactive, repairs: ['resumed'] });
    expect(twice.methods()).toEqual(['send', 'resume', 'send']);
  });

  it('gets an inactive thread with the message if it is to stay inactive', async () => {
    const { run, methods } = attemptWith({ script: { send: [inactive] }, options: { onInactive: 'append' } });
    expect(await run()).toEqual({ ...sent, repairs: ['appended'] });
    expect(methods()).toEqual(['send', 'append']);
  });

  it('may have the appended message if there is no response', async () => {
    const script: Script = { send: [inactive], append: [noResponse] };
    const { run } = attemptWith({ script, options: { onInactive: 'append' } });
    expect(failure(await run()).state).toMatchObject({ unknown: 'yes', failedCalls: 1 });
  });

  it('fails the request if it is to', async () => {
    const { run, methods } = attemptWith({ script: { send: [inactive] }, options: { onInactive: 'fail' } });
    expect(failure(await run()).error).toBe(inactive);
    expect(methods()).toEqual(['send']);
  });

  it('may be active again when it cannot be resumed', async () => {
    const { run, methods } = attemptWith({ script: { send: [inactive], resume: [clientError] } });
    expect(await run()).toEqual(sent);
    expect(methods()).toEqual(['send', 'resume', 'send']);
    const script: Script = { send: [inactive, inactive], resume: [clientError] };
    const still = attemptWith({ script });
    expect(failure(await still.run())).toMatchObject({ error: inactive, state: { unknown: 'no' } });
    expect(still.methods()).toEqual(['send', 'resume', 'send']);
  });
});

describe('a chat that the sender is not in', () => {
  it('is joined once, and gets the message as soon as that has taken effect', async () => {
    const { run, methods, time } = attemptWith({ script: { send: [absent, absent, absent] } });
    expect(await run()).toEqual({ ...sent, repairs: ['joined'] });
    expect(methods()).toEqual(['send', 'join', 'send', 'send', 'send']);
    expect(time.now()).toBeGreaterThanOrEqual(800);
    expect(time.now()).toBeLessThan(2_000);
  });

  it('fails the request if the join has no effect within 5 s', async () => {
    const { run, methods, time } = attemptWith({ script: { send: Array(99).fill(absent) } });
    expect(failure(await run()).error).toBe(absent);
    expect(methods().filter((method) => method === 'join')).toHaveLength(1);
    expect(time.now()).toBeGreaterThan(5_000);
    expect(time.now()).toBeLessThan(6_000);
  });

  it('is taken over where it allows no further agent, if the request says so', async () => {
    const script: Script = { send: [absent], join: [crowded] };
    const { run, methods } = attemptWith({ script, options: { onAbsent: 'transfer' } });
    expect(await run()).toEqual({ ...sent, repairs: ['took over'] });
    expect(methods()).toEqual(['send', 'join', 'takeOver', 'send']);
  });

  it.each<[string, Error, Partial<SendOptions>]>([
    ['the request does not say so', crowded, {}],
    ['the join fails for another reason', clientError, { onAbsent: 'transfer' }],
  ])('is not taken over if %s', async (_name, error, options) => {
    const { run, methods } = attemptWith({ script: { send: [absent], join: [error] }, options });
    expect(failure(await run()).error).toBe(error);
    expect(methods()).toEqual(['send', 'join']);
  });
});

describe('an organization in another region', () => {
  it('is called there once', async () => {
    const once = attemptWith({ script: { send: [otherRegion('fra')] } });
    expect(await once.run()).toEqual({ ...sent, repairs: ['changed region'] });
    expect(once.calls).toEqual([{ method: 'send' }, { method: 'send', region: 'fra' }]);
    const second = otherRegion('dal');
    const twice = attemptWith({ script: { send: [otherRegion('fra'), second] } });
    expect(failure(await twice.run()).error).toBe(second);
  });

  it('is not called again without the name of the region', async () => {
    const { run, methods } = attemptWith({ script: { send: [otherRegion()] } });
    expect(failure(await run()).error).toMatchObject({ name: 'ChannelRepairableError' });
    expect(methods()).toEqual(['send']);
  });

  it.each<[string, Setting, string[]]>([
    ['the probe', { script: { find: [otherRegion('fra')] }, history: unknownBefore }, ['find', 'send']],
    ['the upload', { script: { fetch: ['ok'], upload: [otherRegion('fra')] } }, ['upload', 'send']],
  ])('is called there from %s on', async (_name, setting, methods) => {
    const { run, calls } = attemptWith(setting);
    expect(await run()).toMatchObject({ kind: 'sent' });
    const inRegion = calls.filter(({ region }) => region === 'fra');
    expect(inRegion).toEqual(methods.map((method) => ({ method, region: 'fra' })));
  });
});

describe('several repairs', () => {
  it('are each made once in one attempt', async () => {
    const { run, methods } = attemptWith({ script: { send: [otherRegion('fra'), inactive, absent] } });
    expect(await run()).toEqual({ ...sent, repairs: ['changed region', 'resumed', 'joined'] });
    expect(methods()).toEqual(['send', 'send', 'resume', 'send', 'join', 'send']);
  });
});

describe('the probe call of the breaker', () => {
  const limit = { breaker: 'open', reason: 'failures', openUntil: 0 } as const;

  it.each<[string, Script, string]>([
    ['closes it when it succeeds', {}, 'closed'],
    ['closes it when the request is rejected', { send: [clientError] }, 'closed'],
    ['opens it when it fails', { send: [serverError] }, 'open'],
    ['opens it when it cannot connect', { send: [notConnected] }, 'open'],
  ])('%s', async (_name, script, breaker) => {
    const { run, read } = attemptWith({ script, limit });
    await run();
    expect(await read()).toMatchObject({ breaker });
  });
});
