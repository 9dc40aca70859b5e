import { describe, expect, it } from 'vitest';
import { memoryStores } from '../../test/model/stores.ts';
import { LiveChatClientError, LiveChatNetworkError, LiveChatServerError } from '../livechat/errors.ts';
import { FileUnavailable } from '../media/errors.ts';
import { Deferred, RequestExpired, RequestInvalid, StepFailed } from './errors.ts';
import { command } from './gate/hand.ts';
import { Passage } from './gate/passage.ts';
import { SendWatch } from './watch.ts';

const organizationId = 'organization-1';
const publishedAt = Date.parse('2026-11-22T15:00:00Z');

/** A watch over a gate of ten calls a second, five seconds after the request was put on the bus. */
function watching() {
  const emitted: string[] = [];
  const { gate } = memoryStores(10);
  const emit = (name: string, keys: object, value = 1) =>
    void emitted.push([name, ...Object.values(keys).filter((key) => key !== organizationId), value].join(' '));
  const watch = new SendWatch({ organizationId, publishedAt }, gate, { count: emit, measure: emit });
  const state = { now: publishedAt + 5_000 };
  const clock = {
    now: () => state.now,
    random: () => 0.5,
    sleep: async (ms: number) => {
      state.now += Math.max(0, ms);
    },
  };
  const passage = new Passage({ store: watch.gate, clock, organizationId, run: 'run-1', returning: false });
  return { watch, passage, gate, clock, emitted };
}

const failure = { message: 'no', method: 'send_event', outcome: 'unknown' } as const;

describe('of a step that did not send, CloudWatch learns', () => {
  it.each([
    ['that it comes back', new Deferred(0, 'order'), ['SendsDeferred order 1', 'OldestUnsentSeconds 5']],
    ['that LiveChat failed', new LiveChatServerError(failure), ['SendsRetried Server 1', 'OldestUnsentSeconds 5']],
    ['that no answer came', new LiveChatNetworkError(failure), ['SendsRetried Network 1', 'OldestUnsentSeconds 5']],
    ['that a file’s server failed', new FileUnavailable('x'), ['SendsRetried Network 1', 'OldestUnsentSeconds 5']],
    ['that AWS failed', new StepFailed(new Error('x')), ['SendsRetried Internal 1', 'OldestUnsentSeconds 5']],
    ['nothing of what LiveChat refuses, which will be a dead letter', new LiveChatClientError(failure), []],
    ['nothing of what expires', new RequestExpired('request-1', ''), []],
    ['nothing of what never fitted', new RequestInvalid('data: expected'), []],
  ])('%s', (_what, error, expected) => {
    const { watch, clock, emitted } = watching();
    watch.notSent(error, clock.now());
    expect(emitted).toEqual(expected);
  });

  it('no negative age, should the clocks of EventBridge and Lambda differ', () => {
    const { watch, emitted } = watching();
    watch.notSent(new Deferred(0, 'order'), publishedAt - 2_000);
    expect(emitted).toContain('OldestUnsentSeconds 0');
  });
});

describe('of the gate, CloudWatch learns', () => {
  it('nothing while messages pass', async () => {
    const { passage, clock, emitted } = watching();
    await passage.passed(await passage.enter(clock.now() + 1_000));
    expect(emitted).toEqual([]);
  });

  it('how long the last in line waits', async () => {
    const { watch, passage, gate, clock, emitted } = watching();
    await gate.update(organizationId, { when: [], set: { nextSlotAt: clock.now() + 90_000 } });
    const error = await passage.enter(clock.now() + 1_000).catch((thrown: unknown) => thrown);
    watch.notSent(error, clock.now());
    expect(emitted).toEqual(['SendsDeferred pace 1', 'BacklogSeconds 90', 'OldestUnsentSeconds 5']);
  });

  it('that it is paused', async () => {
    const { watch, passage, gate, clock, emitted } = watching();
    await command(gate, organizationId, { do: 'pause' }, clock.now());
    const error = await passage.enter(clock.now() + 1_000).catch((thrown: unknown) => thrown);
    watch.notSent(error, clock.now());
    expect(emitted).toContain('GateClosed paused 1');
  });

  it('once that the breaker opened, and each time that a message meets it open', async () => {
    const { watch, passage, gate, clock, emitted } = watching();
    const slot = await passage.enter(clock.now() + 1_000);
    await gate.update(organizationId, { when: [], set: { calls: 10 } });
    for (let failed = 0; failed < 8; failed += 1) await passage.failed(slot);
    const error = await passage.enter(clock.now() + 1_000).catch((thrown: unknown) => thrown);
    watch.notSent(error, clock.now());
    expect(emitted).toEqual([
      'BreakerOpened failures 1',
      'SendsDeferred closed 1',
      'GateClosed failures 1',
      'BacklogSeconds 30',
      'OldestUnsentSeconds 5',
    ]);
  });

  it('not again that it opened, when credentials fail that had failed before', async () => {
    const { passage, emitted } = watching();
    await passage.locked();
    await passage.locked();
    expect(emitted).toEqual(['BreakerOpened credentials 1']);
  });
});
