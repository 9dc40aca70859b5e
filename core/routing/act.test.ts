import { describe, expect, it } from 'vitest';
import { never, organizationId, world } from '../../test/model/gate-world.ts';
import { failure, routingCarrier } from '../../test/model/routing-carrier.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import { PlanRun, type Scene } from './act.ts';
import { Calls } from './calls.ts';
import type { RoutingCarrier } from './carrier.ts';
import type { PlannedAction } from './plan.ts';

const scene: Scene = {
  organizationId,
  conversationId: 'C',
  threadId: 'T',
  phase: 'start',
  assigned: { agents: ['nina'], groups: [4] },
};
const rule = 'r';
const tag: PlannedAction = { rule, action: 'tag', tag: 't' };
const answer: PlannedAction = { rule, action: 'answer', text: 'hello' };
const note: PlannedAction = { rule, action: 'note', text: 'psst' };
const transfer = (...targets: Extract<PlannedAction, { action: 'transfer' }>['targets']): PlannedAction => ({
  rule,
  action: 'transfer',
  targets,
});
const absent = failure('Repairable', { repair: 'join' });

type World = ReturnType<typeof world>;

const callsIn = ({ passage, gate, time }: World, carrier: () => Promise<RoutingCarrier>) =>
  new Calls({ carrier, passage: passage('run'), gate, clock: time, latest: never, onLocked: async () => {} });

/** Performs steps; answers what was called, and how each step went. */
async function perform(
  steps: readonly PlannedAction[],
  answers: Parameters<typeof routingCarrier>[0] = () => undefined,
  more: Partial<Scene> = {},
) {
  const here = world();
  const { carrier, calls } = routingCarrier(answers);
  const planRun = new PlanRun(
    callsIn(here, async () => carrier),
    here.time,
    { ...scene, ...more },
  );
  const acted = await here.live(() => planRun.run(steps));
  return {
    calls,
    outcomes: acted.map(({ action, outcome }) => `${action} ${outcome}`),
    assignedTo: planRun.assignedTo,
    ended: planRun.ended,
  };
}

describe('what rules ask for', () => {
  it('is done in order, and a step that fails does not stop the next', async () => {
    const { calls, outcomes } = await perform([tag, note], (call) =>
      call === 'tag t' ? failure('Client') : undefined,
    );
    expect(calls).toEqual(['tag t', 'say to agents']);
    expect(outcomes).toEqual(['tag failed', 'note done']);
  });

  it('goes to the next target after any failure', async () => {
    const failures = {
      'transfer agent a': failure('Client'),
      'transfer group 1': failure('Network'),
      'transfer group 2': failure('Server'),
    };
    const { calls, outcomes, assignedTo } = await perform(
      [transfer({ agent: 'a' }, { group: 1 }, { group: 2 }, { group: 3 }, { group: 5 })],
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
  ])('calls nobody for %j where it is so: %s', async (target, outcome, expected) => {
    const { calls, outcomes, assignedTo } = await perform([transfer(target)]);
    expect(calls).toEqual(expected);
    expect(outcomes).toEqual([`transfer ${outcome}`]);
    expect(assignedTo).toEqual(target);
  });

  it('does not take a chat of two groups for one that is in the wanted group', async () => {
    const { calls } = await perform([transfer({ group: 4 })], () => undefined, {
      assigned: { agents: [], groups: [4, 5] },
    });
    expect(calls).toEqual(['transfer group 4']);
  });

  it('leaves a chat where an earlier phase has brought it', async () => {
    const { calls, outcomes } = await perform([tag, transfer({ group: 9 })], () => undefined, {
      assignedTo: { group: 2 },
    });
    expect(calls).toEqual(['tag t']);
    expect(outcomes).toEqual(['tag done', 'transfer skipped']);
  });

  it('ends when the chat has been closed', async () => {
    const closed = failure('Repairable', { repair: 'resume' });
    const { calls, outcomes, ended } = await perform([answer, note, transfer({ group: 1 })], () => closed);
    expect(calls).toEqual(['say to all']);
    expect(outcomes).toEqual(['answer failed', 'note skipped', 'transfer skipped']);
    expect(ended).toBe('chat closed');
  });

  it('is left when it comes too late', async () => {
    const { calls, outcomes, ended } = await perform([tag, transfer({ agent: 'nina' })], () => undefined, {
      tooLate: true,
    });
    expect(calls).toEqual([]);
    expect(outcomes).toEqual(['tag skipped', 'transfer skipped']);
    expect(ended).toBe('too late');
  });

  it('fails with the name of the setting that is missing', async () => {
    const here = world();
    const carrier = () => Promise.reject(new ConfigurationError('LIVECHAT_API_KEY', 'a personal access token'));
    const acted = await here.live(() => new PlanRun(callsIn(here, carrier), here.time, scene).run([tag]));
    expect(acted).toMatchObject([
      {
        outcome: 'failed',
        error: { name: 'ConfigurationError', message: expect.stringContaining('LIVECHAT_API_KEY') },
      },
    ]);
  });

  it('is not hidden when something of our own fails: it is tried again as a whole', async () => {
    const here = world();
    const carrier = () => Promise.reject(new Error('the secret cannot be read'));
    await expect(here.live(() => new PlanRun(callsIn(here, carrier), here.time, scene).run([tag]))).rejects.toThrow(
      'the secret cannot be read',
    );
  });
});

describe('who speaks in a chat', () => {
  /** Refused until somebody has joined, and for a while after. */
  const outside = (settling: number) => (call: string, calls: readonly string[]) => {
    if (!call.startsWith('say')) return undefined;
    const joined = calls.findLastIndex((one) => one.startsWith('join'));
    return joined < 0 || calls.slice(joined).filter((one) => one.startsWith('say')).length <= settling
      ? absent
      : undefined;
  };

  it('comes in unseen to leave a note, and stays so', async () => {
    const { calls, outcomes } = await perform([note], outside(0));
    expect(calls).toEqual(['say to agents', 'join agents', 'say to agents']);
    expect(outcomes).toEqual(['note done']);
  });

  it('waits for the join to be in effect', async () => {
    const { calls, outcomes } = await perform([answer, transfer({ group: 1 })], outside(2));
    expect(calls).toEqual(['say to all', 'join all', 'say to all', 'say to all', 'say to all', 'transfer group 1']);
    expect(outcomes).toEqual(['answer done', 'transfer done']);
  });

  it('gives up a join that never takes effect, and gives the chat back', async () => {
    const { calls, outcomes } = await perform([answer], outside(100));
    expect(outcomes).toEqual(['answer failed', 'hand back done']);
    expect(calls.at(-1)).toBe('hand back');
  });

  it('gives the chat back when no target has taken it', async () => {
    const { outcomes } = await perform([answer, transfer({ agent: 'a' })], (call, calls) =>
      call.startsWith('transfer') ? failure('Client') : outside(0)(call, calls),
    );
    expect(outcomes).toEqual(['answer done', 'transfer failed', 'hand back done']);
  });

  it('transfers even to where the chat is, since only that takes it out again', async () => {
    const { calls } = await perform([answer, transfer({ group: 4 })], outside(0));
    expect(calls.at(-1)).toBe('transfer group 4');
  });

  it('looks for what an earlier run may have said before it died', async () => {
    const said = await perform([answer, note], (call, calls) => call === 'find' && calls.length === 1, { begun: 1 });
    expect(said.calls).toEqual(['find', 'find', 'say to agents']);
    expect(said.outcomes).toEqual(['answer done', 'note done']);
  });
});
