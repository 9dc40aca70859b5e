import { describe, expect, it } from 'vitest';
import { never, organizationId, rateLimitWorld } from '../../test/model/rate-limit-world.ts';
import { agentId, failure, routingCarrier } from '../../test/model/routing-carrier.ts';
import { ChannelError } from '../channel/channel.ts';
import { maxSlotWaitMs, type RateLimitState } from '../channel/rate-limit.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import { applyActions, limitCalls, NoSlot, type RoutedThread, type RoutingCarrier } from './apply.ts';
import type { PlannedAction, Target } from './rules.ts';

const thread: RoutedThread = {
  organizationId,
  conversationId: 'C',
  threadId: 'T',
  phase: 'start',
  assignees: { agents: ['nina'], groups: [4] },
};
const rule = 'r';
const tag: PlannedAction = { rule, action: 'tag', tag: 't' };
const answer: PlannedAction = { rule, action: 'answer', text: 'hello' };
const note: PlannedAction = { rule, action: 'note', text: 'internal note' };
const transfer = (...targets: readonly Target[]): PlannedAction[] =>
  targets.map((target) => ({ rule, action: 'transfer', target }));
const absent = failure('Repairable', { repair: 'join' });

type World = ReturnType<typeof rateLimitWorld>;

const contextIn = ({ createLimiter, time: clock }: World, carrier: () => Promise<RoutingCarrier>, more = {}) => ({
  thread: { ...thread, ...more },
  call: limitCalls({
    ...{ carrier, limiter: createLimiter(organizationId, { share: 'routing' }), clock, latest: never },
    onCredentialsBlocked: async () => {},
  }),
  clock,
});

/** Applies actions; returns the calls and each outcome. */
async function perform(
  planned: readonly PlannedAction[],
  answers: Parameters<typeof routingCarrier>[0] = () => undefined,
  more: Partial<RoutedThread> = {},
) {
  const here = rateLimitWorld();
  const { carrier, calls } = routingCarrier(answers);
  const context = contextIn(here, async () => carrier, more);
  const applied = await here.live(() => applyActions(planned, context));
  return {
    calls,
    outcomes: applied.actions.map(({ action, outcome }) => `${action} ${outcome}`),
    assignedTo: applied.assignedTo,
    stopReason: applied.stopReason,
  };
}

describe('applying actions', () => {
  it('runs actions in order and continues after a failure', async () => {
    const { calls, outcomes } = await perform([tag, note], (call) =>
      call === 'tag t' ? failure('Client') : undefined,
    );
    expect(calls).toEqual(['tag t', 'send to agents']);
    expect(outcomes).toEqual(['tag failed', 'note done']);
  });

  it('tries the next target after any failure', async () => {
    const failures = {
      'transfer agent a': failure('Client'),
      'transfer group 1': failure('Network'),
      'transfer group 2': failure('Server'),
    };
    const { calls, outcomes, assignedTo } = await perform(
      transfer({ agent: 'a' }, { group: 1 }, { group: 2 }, { group: 3 }, { group: 5 }),
      (call) => new Map(Object.entries(failures)).get(call),
    );
    expect(calls).toEqual(['transfer agent a', 'transfer group 1', 'transfer group 2', 'transfer group 3']);
    expect(outcomes.map((one) => one.split(' ')[1])).toEqual(['failed', 'failed', 'failed', 'done', 'skipped']);
    expect(assignedTo).toEqual({ group: 3 });
  });

  it.each([
    [{ agent: 'nina' } as const, 'not needed', []],
    [{ group: 4 } as const, 'not needed', []],
    [{ group: 5 } as const, 'done', ['transfer group 5']],
  ])('transfers to %j only if the chat is not there already: %s', async (target, outcome, expected) => {
    const { calls, outcomes, assignedTo } = await perform(transfer(target));
    expect(calls).toEqual(expected);
    expect(outcomes).toEqual([`transfer ${outcome}`]);
    expect(assignedTo).toEqual(target);
  });

  it('transfers a chat of two groups even if one is the target', async () => {
    const { calls } = await perform(transfer({ group: 4 }), () => undefined, {
      assignees: { agents: [], groups: [4, 5] },
    });
    expect(calls).toEqual(['transfer group 4']);
  });

  it('skips the transfer after one in an earlier phase, and does not claim it', async () => {
    const { calls, outcomes, assignedTo } = await perform([tag, ...transfer({ group: 9 })], () => undefined, {
      isAssigned: true,
    });
    expect(calls).toEqual(['tag t']);
    expect(outcomes).toEqual(['tag done', 'transfer skipped']);
    expect(assignedTo).toBeUndefined();
  });

  it('skips the remaining actions once the chat is closed', async () => {
    const closed = failure('Repairable', { repair: 'resume' });
    const { calls, outcomes, stopReason } = await perform([answer, note, ...transfer({ group: 1 })], () => closed);
    expect(calls).toEqual(['send to all']);
    expect(outcomes).toEqual(['answer failed', 'note skipped', 'transfer skipped']);
    expect(stopReason).toBe('chat closed');
  });

  it('skips every action if it is too late', async () => {
    const { calls, outcomes, stopReason } = await perform([tag, ...transfer({ agent: 'nina' })], () => undefined, {
      isTooLate: true,
    });
    expect(calls).toEqual([]);
    expect(outcomes).toEqual(['tag skipped', 'transfer skipped']);
    expect(stopReason).toBe('too late');
  });

  it('records the name of a missing setting', async () => {
    const here = rateLimitWorld();
    const carrier = () => Promise.reject(new ConfigurationError('LIVECHAT_API_KEY', 'a personal access token'));
    const { actions } = await here.live(() => applyActions([tag], contextIn(here, carrier)));
    expect(actions).toMatchObject([
      {
        outcome: 'failed',
        error: { name: 'ConfigurationError', message: expect.stringContaining('LIVECHAT_API_KEY') },
      },
    ]);
  });

  it('throws an unexpected error, so that the event is retried', async () => {
    const here = rateLimitWorld();
    const carrier = () => Promise.reject(new Error('the secret cannot be read'));
    await expect(here.live(() => applyActions([tag], contextIn(here, carrier)))).rejects.toThrow(
      'the secret cannot be read',
    );
  });
});

describe('joining a chat to send a text', () => {
  /** Rejects texts until a join, and `delay` texts after it. */
  const outside = (delay: number) => (call: string, calls: readonly string[]) => {
    if (!call.startsWith('send')) return undefined;
    const joined = calls.findLastIndex((one) => one.startsWith('join'));
    return joined < 0 || calls.slice(joined).filter((one) => one.startsWith('send')).length <= delay
      ? absent
      : undefined;
  };

  it('joins invisibly to add a note', async () => {
    const { calls, outcomes } = await perform([note], outside(0));
    expect(calls).toEqual(['send to agents', 'join agents', 'send to agents']);
    expect(outcomes).toEqual(['note done']);
  });

  it('retries until the join takes effect', async () => {
    const { calls, outcomes } = await perform([answer, ...transfer({ group: 1 })], outside(2));
    expect(calls).toEqual(['send to all', 'join all', 'send to all', 'send to all', 'send to all', 'transfer group 1']);
    expect(outcomes).toEqual(['answer done', 'transfer done']);
  });

  it('hands the chat back if the join never takes effect', async () => {
    const { calls, outcomes } = await perform([answer], outside(100));
    expect(outcomes).toEqual(['answer failed', 'hand back done']);
    expect(calls.at(-1)).toBe('hand back');
  });

  it('hands the chat back if no target accepts it', async () => {
    const { outcomes } = await perform([answer, ...transfer({ agent: 'a' })], (call, calls) =>
      call.startsWith('transfer') ? failure('Client') : outside(0)(call, calls),
    );
    expect(outcomes).toEqual(['answer done', 'transfer failed', 'hand back done']);
  });

  it('hands the chat back if only an earlier phase transferred it', async () => {
    const { calls, outcomes } = await perform([answer, ...transfer({ group: 1 })], outside(0), { isAssigned: true });
    expect(calls).toEqual(['send to all', 'join all', 'send to all', 'hand back']);
    expect(outcomes).toEqual(['answer done', 'transfer skipped', 'hand back done']);
  });

  it('hands the chat back if the join for a note never takes effect either', async () => {
    const { calls, outcomes } = await perform([answer, note], outside(100));
    expect(calls.filter((call) => call.startsWith('join'))).toEqual(['join all']);
    expect(outcomes).toEqual(['answer failed', 'note failed', 'hand back done']);
  });

  it('keeps the reason to stop after it hands the chat back', async () => {
    const { outcomes, stopReason } = await perform([answer, ...transfer({ agent: 'a' })], (call, calls) => {
      if (call === 'transfer agent a') throw new NoSlot('no slot');
      return outside(0)(call, calls);
    });
    expect(outcomes).toEqual(['answer done', 'transfer failed', 'hand back done']);
    expect(stopReason).toBe('no slot');
  });

  it('transfers to the current group after joining visibly', async () => {
    const { calls } = await perform([answer, ...transfer({ group: 4 })], outside(0));
    expect(calls.at(-1)).toBe('transfer group 4');
  });

  it('does not send a text again that an earlier invocation sent', async () => {
    const { calls, outcomes } = await perform([answer, note], (call, calls) => call === 'find' && calls.length === 1, {
      previousAttempt: { at: 1, agents: [] },
    });
    expect(calls).toEqual(['find', 'find', 'send to agents']);
    expect(outcomes).toEqual(['answer done', 'note done']);
  });

  describe.each([
    ['sent the answer', true, []],
    ['did not send the answer', false, ['send to all']],
  ])('after an earlier invocation that joined and %s', (_what, isSent, sends) => {
    const found = (call: string) => call === 'find' && isSent;
    const retry = {
      previousAttempt: { at: 1, agents: [] },
      assignees: { agents: [agentId], groups: [4] },
    } as const;

    it('transfers to the current group', async () => {
      const { calls, outcomes } = await perform([answer, ...transfer({ group: 4 })], found, retry);
      expect(calls).toEqual(['find', ...sends, 'transfer group 4']);
      expect(outcomes).toEqual(['answer done', 'transfer done']);
    });

    it('hands the chat back if no rule transfers it', async () => {
      const { calls, outcomes } = await perform([answer], found, retry);
      expect(calls).toEqual(['find', ...sends, 'hand back']);
      expect(outcomes).toEqual(['answer done', 'hand back done']);
    });

    it('stays in a chat that our agent had before', async () => {
      const { calls } = await perform([answer], found, { ...retry, previousAttempt: { at: 1, agents: [agentId] } });
      expect(calls).toEqual(['find', ...sends]);
    });
  });

  it('does not repeat a transfer after a join that an earlier invocation made', async () => {
    const { calls, outcomes } = await perform([answer, ...transfer({ group: 4 })], (call) => call === 'find', {
      previousAttempt: { at: 1, agents: [] },
    });
    expect(calls).toEqual(['find']);
    expect(outcomes).toEqual(['answer done', 'transfer not needed']);
  });
});

/** Calls in virtual time, which starts at 0, with a rate limit in the given state. */
function given(
  state: Partial<RateLimitState>,
  answers: Parameters<typeof routingCarrier>[0] = () => undefined,
  latest = never,
) {
  const { live, createLimiter, time, read } = rateLimitWorld(state);
  const { carrier, calls } = routingCarrier(answers);
  let blocked = 0;
  const limited = limitCalls({
    carrier: async () => carrier,
    limiter: createLimiter(organizationId, { share: 'routing' }),
    clock: time,
    latest,
    onCredentialsBlocked: async () => {
      blocked += 1;
    },
  });
  return {
    live,
    read,
    time,
    calls,
    blocked: () => blocked,
    request: (work: () => Promise<void>) => limited(work),
    tag: (name = 't') => limited((one) => one.tag(organizationId, 'T', name)),
  };
}

const outcome = (work: Promise<void>) =>
  work.then(
    () => 'done',
    (error: unknown) => {
      if (error instanceof ChannelError) return error.category;
      return error instanceof Error ? error.name : error;
    },
  );

const tooLittleTime = new NoSlot('the function has too little time left for another call');

describe('limitCalls', () => {
  it('waits for a slot within ten seconds', async () => {
    const { live, tag, time } = given({ sendsTat: 9_000, routingTat: 9_000, routingUntil: never });
    expect(await live(() => outcome(tag()))).toBe('done');
    expect(time.now()).toBeGreaterThanOrEqual(9_000);
    expect(time.now()).toBeLessThanOrEqual(10_000);
  });

  it.each<[string, Partial<RateLimitState>]>([
    ['comes later', { sendsTat: 13_000, routingTat: 13_000, routingUntil: never }],
    ['an operator has paused', { paused: 'yes' }],
    ['the breaker keeps', { breaker: 'open', openUntil: 29_000, sendsTat: 29_000, routingTat: 29_000 }],
  ])('fails at once for a slot that %s', async (_why, state) => {
    const { live, tag, time, calls, read } = given(state);
    expect(await live(() => outcome(tag()))).toBe('NoSlot');
    expect(calls).toEqual([]);
    expect(time.now()).toBe(0);
    // No slot is reserved.
    expect(await read()).toMatchObject(state);
  });

  it('waits ten seconds at most for all calls of a decision', async () => {
    const { live, tag, time } = given({ sendsTat: 4_900, routingTat: 90_000, interval: 4_900, baseInterval: 4_900 });
    const outcomes: unknown[] = [];
    await live(async () => {
      for (let call = 0; call < 4; call += 1) outcomes.push(await outcome(tag()));
    });
    expect(outcomes).toEqual(['done', 'done', 'NoSlot', 'NoSlot']);
    expect(time.now()).toBeLessThanOrEqual(10_100);
  });

  it('counts short waits for slots', async () => {
    const { live, tag, time } = given({ interval: 1_100, baseInterval: 1_100, routingTat: 90_000 });
    const untilItFails = async () => {
      for (let calls = 0; calls < 20; calls += 1) await tag();
    };
    expect(await live(() => outcome(untilItFails()))).toBe('NoSlot');
    expect(time.now()).toBeGreaterThan(10_000);
    expect(time.now()).toBeLessThanOrEqual(10_000 + maxSlotWaitMs);
  });

  it('does not wait for a slot after which a call could outlast the function', async () => {
    const { live, tag, calls } = given(
      { sendsTat: 2_000, routingTat: 2_000, routingUntil: never },
      () => undefined,
      1_999,
    );
    await expect(live(tag)).rejects.toThrow(tooLittleTime);
    expect(calls).toEqual([]);
  });

  it('does not start a call that could outlast the function, even if a slot is free', async () => {
    const { live, request, time } = given({}, () => undefined, 35_000);
    const startedAt: number[] = [];
    const fourSlowCalls = async () => {
      for (let calls = 0; calls < 4; calls += 1) {
        await request(() => {
          startedAt.push(time.now());
          return time.sleep(20_000);
        });
      }
    };
    await expect(live(fourSlowCalls)).rejects.toThrow(tooLittleTime);
    expect(startedAt).toEqual([0, 20_000]);
  });

  it('names GET /api/rate-limits if there is no slot', async () => {
    const { live, tag } = given({ paused: 'yes' });
    const message = 'the rate limiter had no slot within 10 s; see why at GET /api/rate-limits';
    await expect(live(tag)).rejects.toThrow(message);
  });

  it('retries after a short rate limit and lowers the shared rate', async () => {
    const limited = failure('RateLimit', { retryAfterMs: 3_000 });
    const { live, tag, calls, time, read } = given({}, (_call, { length }) => (length === 1 ? limited : undefined));
    expect(await live(() => outcome(tag()))).toBe('done');
    expect(calls).toEqual(['tag t', 'tag t']);
    expect(time.now()).toBeGreaterThanOrEqual(3_000);
    expect((await read()).interval).toBeGreaterThan(103);
  });

  it('uses the share of routing beside a backlog of sends', async () => {
    const { live, tag, time, read } = given({ sendsTat: 600_000 });
    expect(await live(() => outcome(tag()))).toBe('done');
    expect(time.now()).toBeLessThanOrEqual(1_500);
    expect((await read()).routingUntil).toBeGreaterThan(0);
  });

  it('fails after a long rate limit', async () => {
    const { live, tag, calls, time } = given({}, () => failure('RateLimit', { retryAfterMs: 60_000 }));
    expect(await live(() => outcome(tag()))).toBe('NoSlot');
    expect(calls).toHaveLength(1);
    expect(time.now()).toBeLessThan(100);
  });

  it.each(['Server', 'Network'] as const)(
    'reports a %s failure to the breaker and does not retry',
    async (category) => {
      const { live, tag, calls, read } = given({}, () => failure(category));
      expect(await live(() => outcome(tag()))).toBe(category);
      expect(calls).toHaveLength(1);
      expect((await read()).failures).toBe(1);
    },
  );

  it('follows a region redirect once and keeps the region', async () => {
    const elsewhere = failure('Repairable', { repair: 'region', region: 'fra' });
    const { live, tag, calls } = given({}, (call) =>
      call === 'tag a' || call === 'fra: tag c' ? elsewhere : undefined,
    );
    const outcomes = await live(async () => [
      await outcome(tag('a')),
      await outcome(tag('b')),
      await outcome(tag('c')),
    ]);
    expect(outcomes).toEqual(['done', 'done', 'Repairable']);
    expect(calls).toEqual(['tag a', 'fra: tag a', 'fra: tag b', 'fra: tag c']);
  });

  it('reads the credentials again once', async () => {
    const refused = failure('Authentication', { type: 'authentication', status: 401 });
    const { live, tag, calls, blocked } = given({}, (call) =>
      call === 'fresh credentials' ? true : call === 'tag t' ? refused : undefined,
    );
    expect(await live(() => outcome(tag()))).toBe('done');
    expect(calls).toEqual(['tag t', 'fresh: tag t']);
    expect(blocked()).toBe(0);
  });

  it('opens the breaker and raises an alert if the credentials do not work', async () => {
    const { live, tag, read, blocked } = given({}, (call) =>
      call === 'tag t' ? failure('Authentication', { type: 'authentication' }) : false,
    );
    expect(await live(() => outcome(tag()))).toBe('Authentication');
    expect(await read()).toMatchObject({ breaker: 'open', reason: 'credentials' });
    expect(blocked()).toBe(1);
  });

  it('keeps the breaker closed if one chat is not accessible', async () => {
    const { live, tag, read, blocked } = given({}, (call) =>
      call === 'tag t' ? failure('Authentication', { type: 'authorization' }) : false,
    );
    expect(await live(() => outcome(tag()))).toBe('Authentication');
    expect(await read()).toMatchObject({ breaker: 'closed' });
    expect(blocked()).toBe(0);
  });
});
