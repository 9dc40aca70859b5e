import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../test/depth.ts';
import { executionInput } from '../../test/model/requests.ts';
import { failures, type Script, sentMessage } from '../../test/model/scripted-channel.ts';
import { sendWorld } from '../../test/model/send-world.ts';
import { Deferred } from '../channel/deferred.ts';
import type { DeliveryStore } from './delivery.ts';
import { NotFirst } from './errors.ts';
import { type ExecutionInput, executionName } from './request.ts';

const { serverError, noResponse, clientError, proxy } = failures;
const minute = 60_000;
const key = { organizationId: 'organization', conversationId: 'chat' };
const first = executionInput();
const second = executionInput({ requestId: 'second', orderKey: 2, deliveries: [{ id: 'out-2' }] });
const threeParts = executionInput({ deliveries: [{ id: 'out-a' }, { id: 'out-b' }, { id: 'out-c' }] });
const throttling = Object.assign(new Error('throttled'), { name: 'ThrottlingException' });

async function worldWith(
  { requests = [first], ...setting }: { requests?: readonly ExecutionInput[]; callTakesMs?: number } = {},
  script: Script = {},
) {
  const world = sendWorld(script, setting);
  const { time, send, live, stores } = world;
  for (const request of requests) await world.accept(request);
  const step = (request: ExecutionInput, more: Parameters<typeof send>[1] = {}) => live(() => send(request, more));
  return {
    ...world,
    step,
    /** The error of a step. */
    failing: async (request: ExecutionInput, more: Parameters<typeof send>[1] = {}): Promise<Error> => {
      const outcome = await step(request, more).catch((error: unknown) => error);
      if (!(outcome instanceof Error)) throw new Error(`the step ended with ${outcome}`);
      return outcome;
    },
    pass: (ms: number) => live(() => time.sleep(ms)),
    delivery: stores.delivery,
    lock: async () => (await stores.groups.head(key)).lock,
    /** The deliveries, with some operations replaced. */
    deliveries: (more: Partial<DeliveryStore>) => ({ deliveries: { ...stores.deliveries, ...more } }),
  };
}

describe('the step', () => {
  it('sends a message, records it, leaves the group and announces it', async () => {
    const { step, delivery, announced, waiting, lock, methods } = await worldWith({ callTakesMs: 100 });
    expect(await step(first)).toBe('sent');
    expect(methods()).toEqual(['send']);
    expect(delivery('out-1')).toMatchObject({
      status: 'sent',
      ...sentMessage,
      sentAt: 100,
      attempts: [{ startedAt: 0, endedAt: 100, outcome: 'sent' }],
    });
    expect(announced).toEqual([[{ ...sentMessage, deliveryId: 'out-1', part: 0 }]]);
    expect(waiting()).toEqual([]);
    expect(await lock()).toBeUndefined();
  });

  it('sends the parts of a request one after the other, in slots that were reserved at once', async () => {
    const { step, announced, limit, delivery } = await worldWith({ requests: [threeParts] });
    expect(await step(threeParts)).toBe('sent');
    expect(announced).toEqual([
      ['out-a', 'out-b', 'out-c'].map((deliveryId, part) => ({ ...sentMessage, deliveryId, part })),
    ]);
    expect(['out-a', 'out-b', 'out-c'].map((id) => delivery(id)?.sentAt)).toEqual([0, 139, 243]);
    expect(limit().sendsTat).toBe(35 + 3 * 104);
  });

  it('waits for its turn with nothing claimed and no slot reserved', async () => {
    const { failing, delivery, limit, waiting } = await worldWith({ requests: [first, second] });
    expect(await failing(second)).toBeInstanceOf(NotFirst);
    expect(delivery('out-2')).toMatchObject({ status: 'queued', attempts: [] });
    expect(limit().sendsTat).toBe(0);
    expect(waiting()).toEqual(['request', 'second']);
  });

  it('waits for a far slot with nothing claimed, and keeps its place but not the lock', async () => {
    const { failing, delivery, setLimit, waiting, stores, lock } = await worldWith({ requests: [first, second] });
    await setLimit({ sendsTat: 5 * minute });
    const error = await failing(first);
    expect(error).toMatchObject({ name: 'Deferred', reason: 'rate', slot: { at: 5 * minute, epoch: 0 } });
    expect(delivery('out-1')).toMatchObject({ status: 'queued', attempts: [] });
    expect(waiting()).toEqual(['request', 'second']);
    expect(stores.entries(key)[0]?.until).toBe(5 * minute - 1_000 + minute);
    expect(await lock()).toBeUndefined();
  });

  it('sends at the slot that was reserved before the wait, and reserves one for a successor that waits', async () => {
    const { step, pass, setLimit, delivery, group, completed, limit } = await worldWith({ requests: [first, second] });
    await setLimit({ sendsTat: 9_000 });
    await group(second).waitForTurn('token', 300_000);
    await pass(4_000);
    expect(await step(first, { held: { at: 5_000, epoch: 0 } })).toBe('sent');
    expect(delivery('out-1')).toMatchObject({ sentAt: 5_000 });
    expect(completed).toMatchObject([{ token: 'token', output: { slot: { at: 9_000, epoch: 0 } } }]);
    expect(limit().sendsTat).toBe(9_104);
  });

  it('wakes a successor without a slot if it has not waited itself', async () => {
    const { step, group, completed, limit } = await worldWith({ requests: [first, second] });
    await group(second).waitForTurn('token', 300_000);
    await step(first);
    expect(completed).toMatchObject([{ token: 'token', output: { slot: { at: 0, epoch: 0 } } }]);
    expect(limit().sendsTat).toBe(139);
  });

  it('announces a message that was sent before, without a call', async () => {
    const { step, announced, methods, waiting } = await worldWith();
    await step(first);
    expect(await step(first)).toBe('sent');
    expect(announced).toHaveLength(2);
    expect(announced[1]).toEqual(announced[0]);
    expect(methods()).toEqual(['send']);
    expect(waiting()).toEqual([]);
  });

  it('ends as failed, and leaves the group, where a part has become a dead letter before', async () => {
    const { step, stores, waiting, methods } = await worldWith();
    const failure = { redrive: 0, error: 'ABORTED', at: 1, deadLetterId: 'dead' };
    await stores.deliveries.fail({ ...key, id: 'out-1' }, failure);
    expect(await step(first)).toBe('failed');
    expect(methods()).toEqual([]);
    expect(waiting()).toEqual([]);
  });

  it('fails for good where a delivery was erased', async () => {
    const missing = executionInput({ deliveries: [{ id: 'erased' }] });
    const { failing, methods } = await worldWith();
    expect(await failing(missing)).toMatchObject({ name: 'DeliveryMissing' });
    expect(methods()).toEqual([]);
  });

  it.each([
    ['text', first, 26_499, 26_500],
    ['file', executionInput({ deliveries: [{ id: 'out-1', hasFile: true }] }), 34_999, 35_000],
  ] as const)(
    'starts no call for a %s with too little of the function’s time left',
    async (_name, request, short, enough) => {
      const { step, failing, time } = await worldWith({ requests: [request] });
      expect(await failing(request, { remainingMs: short })).toMatchObject({
        name: 'Deferred',
        reason: 'time',
        until: 0,
      });
      expect(time.now()).toBe(0);
      expect(await step(request, { remainingMs: enough })).toBe('sent');
    },
  );
});

describe('a part that is claimed', () => {
  it('by an invocation that may still run is waited for, and probed for afterwards', async () => {
    const { failing, step, pass, delivery, stores, methods } = await worldWith({}, { find: ['found'] });
    const claim = { leaseUntil: 61_000, redrive: 0, redrivenAt: undefined, now: 0 };
    await stores.deliveries.claim({ ...key, id: 'out-1' }, claim);
    expect(await failing(first)).toMatchObject({ name: 'Deferred', reason: 'claimed', until: 62_000 });
    expect(methods()).toEqual([]);
    await pass(62_000);
    expect(await step(first)).toBe('sent');
    expect(methods()).toEqual(['find']);
    expect(delivery('out-1')?.attempts).toMatchObject([{ startedAt: 0 }, { outcome: 'found' }]);
  });

  it('is given back if another execution has taken the lock meanwhile', async () => {
    const { failing, delivery, ports, methods, waiting } = await worldWith({ requests: [first, second] });
    const { lock } = ports.groups;
    ports.groups.lock = async () => false;
    expect(await failing(first)).toBeInstanceOf(NotFirst);
    ports.groups.lock = lock;
    expect(delivery('out-1')).toMatchObject({ status: 'queued', leaseUntil: 0, unknown: 'no', attempts: [] });
    expect(methods()).toEqual([]);
    expect(waiting()).toEqual(['request', 'second']);
  });

  it('gives up the probe call of the breaker', async () => {
    const { failing, stores, limit, setLimit } = await worldWith();
    await setLimit({ breaker: 'open', reason: 'failures', openUntil: 0 });
    const claim = { leaseUntil: 61_000, redrive: 0, redrivenAt: undefined, now: 0 };
    await stores.deliveries.claim({ ...key, id: 'out-1' }, claim);
    await failing(first);
    expect(limit()).toMatchObject({ breaker: 'open', epoch: 2 });
  });
});

describe('a request of several parts', () => {
  it('keeps the lock after a failed part, and continues with it', async () => {
    const script: Script = { send: ['ok', clientError] };
    const { failing, step, accept, delivery, methods, announced, lock } = await worldWith(
      { requests: [threeParts] },
      script,
    );
    expect(await failing(threeParts)).toBe(clientError);
    expect(await lock()).toMatchObject({ execution: executionName(threeParts) });
    expect(delivery('out-a')).toMatchObject({ status: 'sent' });
    expect(delivery('out-b')).toMatchObject({ status: 'queued', lastError: 'ChannelClientError', failedCalls: 1 });
    const earlier = await accept(executionInput({ requestId: 'earlier', orderKey: -1, deliveries: [{ id: 'out-e' }] }));
    expect(await failing(earlier)).toBeInstanceOf(NotFirst);
    expect(await step(threeParts)).toBe('sent');
    expect(methods()).toEqual(Array(4).fill('send'));
    expect(announced[0]?.map(({ deliveryId }) => deliveryId)).toEqual(['out-a', 'out-b', 'out-c']);
    expect(await step(earlier)).toBe('sent');
  });

  it('keeps the lock over a deferral', async () => {
    const script: Script = { send: ['ok', failures.rateLimit(5 * minute)] };
    const { failing, lock } = await worldWith({ requests: [threeParts] }, script);
    const error = await failing(threeParts);
    expect(error).toMatchObject({ name: 'Deferred', reason: 'limited' });
    expect(await lock()).toEqual({
      execution: executionName(threeParts),
      until: (error instanceof Deferred ? error.until : 0) + minute,
      isDeferred: true,
    });
  });

  it('expires before a part that is not sent in time', async () => {
    const late = { ...threeParts, expiresAt: 100 };
    const { failing, delivery, methods } = await worldWith({ requests: [late] });
    expect(await failing(late)).toMatchObject({ name: 'RequestExpired' });
    expect(methods()).toEqual(['send', 'send']);
    expect(delivery('out-c')).toMatchObject({ status: 'queued', attempts: [] });
  });
});

describe('an expired request', () => {
  it('ends while it waits for its turn', async () => {
    const { failing, pass } = await worldWith({ requests: [first, { ...second, expiresAt: 5_000 }] });
    const waiting = { ...second, expiresAt: 5_000 };
    expect(await failing(waiting)).toBeInstanceOf(NotFirst);
    await pass(5_000);
    expect(await failing(waiting)).toMatchObject({ name: 'RequestExpired' });
  });

  it('ends as soon as its slot is known to be too late', async () => {
    const { failing, setLimit, methods } = await worldWith();
    await setLimit({ sendsTat: first.expiresAt + 10_000 });
    expect(await failing(first)).toMatchObject({ name: 'RequestExpired' });
    expect(methods()).toEqual([]);
  });

  it('ends during a pause only when it has expired', async () => {
    const short = { ...first, expiresAt: 20_000 };
    const { failing, setLimit } = await worldWith({ requests: [short] });
    await setLimit({ paused: 'yes' });
    expect(await failing(short)).toMatchObject({ name: 'RequestExpired' });
    expect(await failing(first)).toMatchObject({ name: 'Deferred', reason: 'blocked' });
  });

  it('that may have been sent is probed for until LiveChat answers', async () => {
    const short = { ...first, expiresAt: 10_000 };
    const script: Script = { send: [noResponse], find: [serverError, 'found'] };
    const { failing, step, pass, methods } = await worldWith({ requests: [short] }, script);
    expect(await failing(short)).toBe(noResponse);
    await pass(15_000);
    expect(await failing(short)).toBe(serverError);
    expect(await step(short)).toBe('sent');
    expect(methods()).toEqual(['send', 'find', 'find']);
  });

  it('that was sent is not ended behind another request, if a crash interrupts its leaving', async () => {
    const short = { ...first, expiresAt: 10_000 };
    const world = await worldWith({ requests: [short, second] });
    expect(await world.step(short)).toBe('sent');
    // The second is first now, and at work.
    await world.group(second).lock(60_000);
    await world.pass(15_000);
    const waiting = await world.failing(short);
    expect(waiting).toBeInstanceOf(NotFirst);
    expect(waiting.message.split('|')[2]).toBe('300');
    await world.group(second).leave();
    expect(await world.step(short)).toBe('sent');
  });

  it.each<[string, Script, string]>([
    ['is sent if its message is found', { send: [noResponse], find: ['found'] }, 'sent'],
    ['ends if its message is not found', { send: [noResponse] }, 'RequestExpired'],
  ])('that may have been sent is probed for, and %s', async (_name, script, outcome) => {
    const short = { ...first, expiresAt: 10_000 };
    const { failing, step, pass, methods } = await worldWith({ requests: [short] }, script);
    expect(await failing(short)).toBe(noResponse);
    await pass(15_000);
    const probed = await step(short).catch((error: Error) => error);
    if (outcome === 'sent') expect(probed).toBe('sent');
    else {
      // Not found proves nothing before the settle time, even after the expiry.
      expect(probed).toMatchObject({ name: 'Deferred', reason: 'unknown' });
      await pass(6_000);
      expect(await failing(short)).toMatchObject({ name: outcome });
    }
    expect(methods().filter((method) => method === 'send')).toHaveLength(1);
  });
});

describe('a step after a failure', () => {
  it.each([502, 503, 504, 520, 524])('does not send again within 20 s of a proxy’s %i', async (status) => {
    const { failing, step, pass, methods } = await worldWith({}, { send: [proxy(status)] });
    expect(await failing(first)).toMatchObject({ name: 'ChannelServerError' });
    await pass(1_000);
    const error = await failing(first);
    expect(error).toMatchObject({ name: 'Deferred', reason: 'unknown' });
    expect(methods()).toEqual(['send', 'find']);
    await pass((error instanceof Deferred ? error.until : 0) - 1_000);
    expect(await step(first)).toBe('sent');
    expect(methods()).toEqual(['send', 'find', 'find', 'send']);
  });

  it('sends again at once after LiveChat’s own error, if the message is not found', async () => {
    const { failing, step, methods } = await worldWith({}, { send: [serverError] });
    await failing(first);
    expect(await step(first)).toBe('sent');
    expect(methods()).toEqual(['send', 'find', 'send']);
  });

  it('finds a message whose record failed, and does not send it again', async () => {
    const { failing, step, deliveries, pass, methods, delivery } = await worldWith({}, { find: ['found'] });
    const recordSent = async () => {
      throw throttling;
    };
    expect(await failing(first, deliveries({ recordSent }))).toBe(throttling);
    await pass(62_000);
    expect(await step(first)).toBe('sent');
    expect(methods()).toEqual(['send', 'find']);
    expect(delivery('out-1')).toMatchObject({ status: 'sent' });
  });

  it('whose claim could not be released ends with the error of the call', async () => {
    const { failing, deliveries, warnings, step, pass } = await worldWith({}, { send: [clientError] });
    const release = async () => {
      throw throttling;
    };
    expect(await failing(first, deliveries({ release }))).toBe(clientError);
    expect(warnings).toHaveLength(1);
    await pass(62_000);
    expect(await step(first)).toBe('sent');
  });

  it('gives its claim back if the lock could not be written', async () => {
    const { failing, ports, step, methods } = await worldWith();
    const { lock } = ports.groups;
    ports.groups.lock = async () => {
      throw throttling;
    };
    expect(await failing(first)).toBe(throttling);
    ports.groups.lock = lock;
    expect(await step(first)).toBe('sent');
    expect(methods()).toEqual(['send']);
  });

  it('publishes what was sent even if it has expired meanwhile', async () => {
    const { failing, step, pass, announced, methods } = await worldWith();
    const onSent = async () => {
      throw throttling;
    };
    expect(await failing(first, { onSent })).toBe(throttling);
    await pass(first.expiresAt);
    expect(await step(first)).toBe('sent');
    expect(announced).toHaveLength(1);
    expect(methods()).toEqual(['send']);
  });

  it('leaves even if no slot can be reserved for its successor', async () => {
    const { step, stores, group, live, completed } = await worldWith({ requests: [first, second] });
    await live(() => group(second).waitForTurn('token', minute));
    stores.rateLimits.update = async () => {
      throw throttling;
    };
    const held = { at: 500, epoch: 0 };
    expect(await step(first, { held })).toBe('sent');
    expect(completed).toMatchObject([{ token: 'token', output: { slot: { at: 0 } } }]);
  });

  it('whose deferral could not be announced in the group is deferred nevertheless', async () => {
    const { failing, setLimit, ports, warnings } = await worldWith();
    await setLimit({ sendsTat: 5 * minute });
    ports.groups.put = async () => {
      throw throttling;
    };
    expect(await failing(first)).toMatchObject({ name: 'Deferred', reason: 'rate' });
    expect(warnings).toHaveLength(1);
  });
});

describe('a redrive', () => {
  it('probes for what an earlier execution attempted, and records its own attempts', async () => {
    const { failing, step, stores, group, accept, delivery, methods } = await worldWith({}, { send: [clientError] });
    await failing(first);
    const failure = { redrive: 0, error: 'ChannelClientError', at: 1, deadLetterId: 'dead' };
    await stores.deliveries.fail({ ...key, id: 'out-1' }, failure);
    await group(first).abandon({ wasStopped: false });
    const redriven = await accept({ ...first, redrive: 1, redrivenAt: 500, orderKey: 500 });
    expect(await step(redriven)).toBe('sent');
    expect(methods()).toEqual(['send', 'find', 'send']);
    expect(delivery('out-1')?.attempts).toMatchObject([{ outcome: 'failed' }, { redrive: 1, redrivenAt: 500 }]);
  });
});

describe('a deferral', () => {
  it('never ends before its time, and lasts whole seconds: Step Functions truncates milliseconds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), (at) => {
        const { until, message } = new Deferred(at, 'unknown');
        expect(until).toBeGreaterThanOrEqual(at);
        expect(until - at).toBeLessThan(1_000);
        expect(message.split('|').filter(Boolean)).toEqual([
          'unknown',
          new Date(until).toISOString(),
          '1',
          '0',
          '0',
          '0',
        ]);
        expect(until % 1_000).toBe(0);
      }),
      propertyRuns(1_000),
    );
  });
});
