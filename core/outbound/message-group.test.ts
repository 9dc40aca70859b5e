import { describe, expect, it } from 'vitest';
import { executionInput } from '../../test/model/requests.ts';
import { sendWorld } from '../../test/model/send-world.ts';
import { MessageGroup } from './message-group.ts';
import { type ExecutionInput, executionName } from './request.ts';

const minute = 60_000;
const first = executionInput({ requestId: 'first', orderKey: 1 });
const second = executionInput({ requestId: 'second', orderKey: 2 });
const third = executionInput({ requestId: 'third', orderKey: 3 });
const key = { organizationId: 'organization', conversationId: 'chat' };
const notFirst = { name: 'NotFirst' };

/** A world in which these requests are in the group, and their executions run. */
async function groupWorld(...requests: readonly ExecutionInput[]) {
  const world = sendWorld();
  const { time, group, stores } = world;
  for (const request of requests) await world.accept(request);
  return {
    ...world,
    isFirst: (request: ExecutionInput) =>
      world.live(() =>
        group(request)
          .requireTurn()
          .then(
            () => true,
            (error: Error) => {
              if (error.name !== 'NotFirst') throw error;
              return false;
            },
          ),
      ),
    pass: (ms: number) => world.live(() => time.sleep(ms)),
    lock: async () => (await stores.groups.head(key)).lock,
    tokens: () => world.completed.map(({ token }) => token),
  };
}

describe('a message group', () => {
  it('has its requests in the order of acceptance, whenever they enter', async () => {
    const { waiting, isFirst } = await groupWorld(third, first, second);
    expect(waiting()).toEqual(['first', 'second', 'third']);
    expect([await isFirst(third), await isFirst(second), await isFirst(first)]).toEqual([false, false, true]);
  });

  it('contains a request once, however often it enters', async () => {
    const { waiting } = await groupWorld(first, second, first);
    expect(waiting()).toEqual(['first', 'second']);
  });

  it('is each conversation’s own', async () => {
    const other = executionInput({ requestId: 'other', conversationId: 'other chat', orderKey: 9 });
    const { isFirst } = await groupWorld(first, other);
    expect(await isFirst(other)).toBe(true);
  });

  it('lets the next request have its turn when the first leaves', async () => {
    const { group, isFirst, waiting } = await groupWorld(first, second);
    await group(first).leave();
    expect(waiting()).toEqual(['second']);
    expect(await isFirst(second)).toBe(true);
  });

  it('adds a request again that was removed while it waits: nothing would wake it', async () => {
    const { stores, waiting, isFirst } = await groupWorld(first, second);
    const [, removed] = stores.entries(key);
    await stores.groups.remove(key, removed?.position ?? '');
    expect(await isFirst(second)).toBe(false);
    expect(waiting()).toEqual(['first', 'second']);
  });
});

describe('the lock', () => {
  it('keeps the turn for the execution that sends, although a request with an earlier order arrives', async () => {
    const { group, isFirst, accept, time } = await groupWorld(second);
    expect(await group(second).lock(time.now() + minute)).toBe(true);
    await accept(first);
    expect([await isFirst(first), await isFirst(second)]).toEqual([false, true]);
    expect(await group(first).lock(time.now() + minute)).toBe(false);
    await group(second).leave();
    expect(await isFirst(first)).toBe(true);
  });

  it('is over when its function must have ended', async () => {
    const { group, isFirst, accept, time, pass } = await groupWorld(second);
    await group(second).lock(time.now() + 10_000);
    await accept(first);
    await pass(10_000);
    expect(await isFirst(first)).toBe(false);
    await pass(1);
    expect(await isFirst(first)).toBe(true);
    expect(await group(first).lock(time.now() + minute)).toBe(true);
  });

  it('is kept by a deferral of a request that has it, and not taken by one that has not', async () => {
    const { group, isFirst, lock } = await groupWorld(first, second);
    await group(first).defer(5 * minute);
    expect(await lock()).toBeUndefined();
    const own = group(first);
    await own.lock(minute);
    await own.defer(5 * minute);
    expect(await lock()).toEqual({ execution: executionName(first), until: 6 * minute, isDeferred: true });
    expect(await isFirst(second)).toBe(false);
    // Also by the next invocation, which reads that it has the lock.
    const next = group(first);
    await next.requireTurn();
    await next.defer(9 * minute);
    expect(await lock()).toMatchObject({ until: 10 * minute });
  });

  it('is not released by a request that does not hold it', async () => {
    const { group, lock } = await groupWorld(first, second);
    await group(first).lock(minute);
    await group(second).leave();
    expect(await lock()).toMatchObject({ execution: executionName(first) });
  });
});

describe('an execution that is not heard of in time', () => {
  it('is not checked before', async () => {
    const { isFirst, pass, statuses, unblocked } = await groupWorld(first, second);
    statuses.set(executionName(first), 'ended');
    await pass(minute);
    expect(await isFirst(second)).toBe(false);
    expect(unblocked).toEqual([]);
  });

  it('is removed if it has ended', async () => {
    const { isFirst, pass, statuses, unblocked, waiting } = await groupWorld(first, second);
    statuses.set(executionName(first), 'ended');
    await pass(minute + 1);
    expect(await isFirst(second)).toBe(true);
    expect(waiting()).toEqual(['second']);
    expect(unblocked).toEqual(['organization']);
  });

  it('is started if its acceptance died before', async () => {
    const { isFirst, pass, statuses, started, waiting } = await groupWorld(first, second);
    statuses.delete(executionName(first));
    await pass(minute + 1);
    expect(await isFirst(second)).toBe(false);
    expect(started.map((input) => JSON.parse(input))).toEqual([{ request: first }]);
    expect(waiting()).toEqual(['first', 'second']);
  });

  it('keeps its place while it runs, and is woken if it waits: its wake-up may be lost', async () => {
    const { isFirst, pass, group, tokens, live } = await groupWorld(first, second, third);
    await live(() => group(second).waitForTurn('token of second', 300_000));
    await group(first).leave();
    expect(tokens()).toEqual(['token of second']);
    await pass(6 * minute + 1);
    expect(await isFirst(third)).toBe(false);
    expect(tokens()).toEqual(['token of second', 'token of second']);
  });

  it('is checked by one of many', async () => {
    const requests = Array.from({ length: 10 }, (_, index) =>
      executionInput({ requestId: `later ${index}`, orderKey: 10 + index }),
    );
    const { isFirst, pass, ports } = await groupWorld(first, ...requests);
    let checks = 0;
    const { status } = ports.executions;
    ports.executions.status = (name) => {
      checks += 1;
      return status(name);
    };
    await pass(minute + 1);
    await Promise.all(requests.map(isFirst));
    expect(checks).toBe(1);
  });

  it('and all those behind it that have ended are removed, and the first that waits is woken', async () => {
    const { isFirst, pass, statuses, group, live, tokens, waiting } = await groupWorld(first, second, third);
    const last = executionInput({ requestId: 'last', orderKey: 9 });
    await live(() => group(third).waitForTurn('token of third', 300_000));
    statuses.set(executionName(first), 'ended').set(executionName(second), 'ended');
    await pass(minute + 1);
    expect(await isFirst(last)).toBe(false);
    expect(waiting()).toEqual(['third', 'last']);
    expect(tokens()).toEqual(['token of third']);
  });
});

describe('waiting for the turn', () => {
  it('lasts at most five minutes, and not longer than the request', async () => {
    const { group } = await groupWorld(first);
    const seconds = async (request: ExecutionInput) => {
      const error = await group(request)
        .requireTurn()
        .catch((reason: Error) => reason);
      return Number(error?.message.split('|')[2]);
    };
    expect(await seconds(second)).toBe(300);
    expect(await seconds({ ...second, expiresAt: 41_001 })).toBe(42);
    // A timeout of 0 s would end the execution without a dead letter.
    expect(await seconds({ ...second, expiresAt: 1 })).toBe(1);
    // Expired, and waiting because it may have been sent.
    expect(await seconds({ ...second, expiresAt: -9_000 })).toBe(300);
  });

  it('ends when the predecessor leaves', async () => {
    const { group, live, completed, time } = await groupWorld(first, second, third);
    await live(() => group(second).waitForTurn('token of second', 300_000));
    await live(() => group(third).waitForTurn('token of third', 300_000));
    await live(() => time.sleep(1_234));
    await group(first).leave();
    const output = { until: new Date(1_234).toISOString(), seconds: 1, slot: { at: 0, epoch: 0, missed: 0 } };
    expect(completed).toEqual([{ token: 'token of second', output }]);
  });

  it('ends shortly before the slot that the predecessor has reserved', async () => {
    const { group, live, completed } = await groupWorld(first, second);
    await live(() => group(second).waitForTurn('token', 300_000));
    await group(first).leave(async (next) => {
      expect(next).toEqual(second);
      return { at: 9_500, epoch: 3 };
    });
    const output = { until: new Date(9_000).toISOString(), seconds: 1, slot: { at: 9_500, epoch: 3, missed: 0 } };
    expect(completed).toEqual([{ token: 'token', output }]);
  });

  it('reserves no slot for a successor that does not wait yet', async () => {
    const { group } = await groupWorld(first, second);
    let reserved = 0;
    await group(first).leave(async () => {
      reserved += 1;
      return undefined;
    });
    expect(reserved).toBe(0);
  });

  it('ends at once if the predecessor left before the token was stored', async () => {
    const { group, live, completed } = await groupWorld(first, second);
    await group(first).leave();
    await live(() => group(second).waitForTurn('token', 300_000));
    expect(completed).toMatchObject([{ token: 'token' }]);
  });

  it('does not end while another execution has the lock', async () => {
    const { group, live, completed, accept } = await groupWorld(second);
    await group(second).lock(minute);
    await accept(first);
    await live(() => group(first).waitForTurn('token', 300_000));
    expect(completed).toEqual([]);
    await group(second).leave();
    expect(completed).toMatchObject([{ token: 'token' }]);
  });

  it('loses no wake-up, in whatever order the steps of both executions happen', async () => {
    // The predecessor removes its entry, then reads the next; the successor stores its token, then reads the first.
    for (const leavesAfter of [0, 1, 2, 3]) {
      const { group, ports, completed } = await groupWorld(first, second);
      let operations = 0;
      const leave = async () => {
        operations += 1;
        if (operations === leavesAfter + 1) await group(first).leave();
      };
      const { put, head } = ports.groups;
      const racing = {
        ...ports,
        groups: {
          ...ports.groups,
          put: async (...given: Parameters<typeof put>) => {
            await leave();
            await put(...given);
            await leave();
          },
          head: async (...given: Parameters<typeof head>) => {
            await leave();
            const found = await head(...given);
            await leave();
            return found;
          },
        },
      };
      await new MessageGroup(second, racing).waitForTurn('token', 300_000);
      expect(completed.map(({ token }) => token)).toContain('token');
    }
  });
});

describe('the request of an execution that has ended', () => {
  it('is removed, and the next is woken', async () => {
    const { group, live, tokens, waiting, lock } = await groupWorld(first, second);
    await group(first).lock(minute);
    await live(() => group(second).waitForTurn('token', 300_000));
    expect(await group(first).abandon({ wasStopped: false })).toBeUndefined();
    expect(waiting()).toEqual(['second']);
    expect(tokens()).toEqual(['token']);
    expect(await lock()).toBeUndefined();
  });

  it('keeps the lock while its function may run, if it was stopped; the next is woken afterwards', async () => {
    const { group, live, tokens, pass, isFirst } = await groupWorld(first, second);
    await group(first).lock(minute);
    await live(() => group(second).waitForTurn('token', 300_000));
    expect(await group(first).abandon({ wasStopped: true })).toBe(minute);
    expect(tokens()).toEqual([]);
    expect(await isFirst(second)).toBe(false);
    await pass(minute + 1);
    await group(first).wakeFirst();
    expect(tokens()).toEqual(['token']);
    expect(await isFirst(second)).toBe(true);
  });

  it('is removed at once if it was stopped during a deferral, in which no function runs', async () => {
    const { group, live, tokens, lock } = await groupWorld(first, second);
    const deferred = group(first);
    await deferred.lock(minute);
    await live(() => deferred.defer(10 * minute));
    await live(() => group(second).waitForTurn('token', 300_000));
    expect(await group(first).abandon({ wasStopped: true })).toBeUndefined();
    expect(await lock()).toBeUndefined();
    expect(tokens()).toEqual(['token']);
  });

  it('is removed at once if it was stopped before it sent', async () => {
    const { group, isFirst } = await groupWorld(first, second);
    expect(await group(first).abandon({ wasStopped: true })).toBeUndefined();
    expect(await isFirst(second)).toBe(true);
  });

  it('is abandoned without an effect when it has left before', async () => {
    const { group, isFirst, waiting } = await groupWorld(first, second);
    await group(first).leave();
    await group(second).lock(minute);
    await group(first).abandon({ wasStopped: true });
    expect(waiting()).toEqual(['second']);
    expect(await isFirst(second)).toBe(true);
    await expect(group(first).requireTurn()).rejects.toMatchObject(notFirst);
  });
});
