import { describe, expect, it } from 'vitest';
import { never, organizationId, rateLimitWorld } from '../../test/model/rate-limit-world.ts';
import { agentId, failure, routingChannel } from '../../test/model/routing-channel.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import { applyActions, type RoutedThread } from './apply.ts';
import { limitCalls, NoSlot, type RoutingChannel } from './channel.ts';
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

const contextIn = ({ createLimiter, time: clock }: World, channel: () => Promise<RoutingChannel>, more = {}) => ({
  thread: { ...thread, ...more },
  call: limitCalls({
    ...{ channel, limiter: createLimiter(organizationId, { share: 'routing' }), clock, latest: never },
    onCredentialsBlocked: async () => {},
  }),
  clock,
});

/** Applies actions; returns the calls and each outcome. */
async function perform(
  planned: readonly PlannedAction[],
  answers: Parameters<typeof routingChannel>[0] = () => undefined,
  more: Partial<RoutedThread> = {},
) {
  const here = rateLimitWorld();
  const { channel, calls } = routingChannel(answers);
  const context = contextIn(here, async () => channel, more);
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
    const channel = () => Promise.reject(new ConfigurationError('LIVECHAT_API_KEY', 'a personal access token'));
    const { actions } = await here.live(() => applyActions([tag], contextIn(here, channel)));
    expect(actions).toMatchObject([
      {
        outcome: 'failed',
        error: { name: 'ConfigurationError', message: expect.stringContaining('LIVECHAT_API_KEY') },
      },
    ]);
  });

  it('throws an unexpected error, so that the event is retried', async () => {
    const here = rateLimitWorld();
    const channel = () => Promise.reject(new Error('the secret cannot be read'));
    await expect(here.live(() => applyActions([tag], contextIn(here, channel)))).rejects.toThrow(
      'the secret cannot be read',
    );
  });
});

describe('joining a chat to send a message', () => {
  /** Rejects messages until a join, and `delay` messages after it. */
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

  it('does not send a message again that an earlier invocation sent', async () => {
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
