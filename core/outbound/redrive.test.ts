import { beforeEach, describe, expect, it } from 'vitest';
import { memoryStores } from '../../test/model/stores.ts';
import { type AcceptPorts, redriveRequest } from './accept.ts';
import { NotFirst } from './errors.ts';
import { MessageGroup } from './message-group.ts';
import { type ExecutionInput, parseExecutionInput } from './request.ts';

const key = { organizationId: 'organization', conversationId: 'chat' };
const failed: ExecutionInput = {
  ...{ version: 1, ...key, requestId: 'request', deliveries: [{ id: 'out-1' }] },
  ...{ options: { onInactive: 'resume', onAbsent: 'join' }, orderKey: 1, requestedAt: 1, expiresAt: 2 },
  ...{ expiresInMs: 900_000, redrive: 0, correlationId: 'c', causationId: 'c' },
};

describe('a redrive', () => {
  let now: number;
  let canStart: boolean;
  let executions: Map<string, { input: ExecutionInput | undefined; status: 'running' | 'ended' }>;
  let woken: string[];
  let stores: ReturnType<typeof memoryStores>;
  let ports: AcceptPorts;
  beforeEach(() => {
    now = 1_000_000;
    canStart = true;
    executions = new Map();
    woken = [];
    stores = memoryStores(10);
    ports = {
      ...stores,
      clock: { now: () => now, sleep: async () => {}, random: () => 0 },
      onUnblocked: () => {},
      executions: {
        async start(name, input) {
          if (!canStart) throw new Error('interrupted');
          if (executions.has(name)) return false;
          executions.set(name, { input: parseExecutionInput(JSON.parse(input)), status: 'running' });
          return true;
        },
        status: async (name) => executions.get(name)?.status ?? 'missing',
        async completeTask(token) {
          woken.push(token);
          return true;
        },
      },
    };
  });

  const redrive = async (): Promise<ExecutionInput> => {
    now += 10;
    const { input } = executions.get(await redriveRequest(failed, ports)) ?? {};
    if (!input) throw new Error('not started');
    return input;
  };
  const interruptedRedrive = async () => {
    canStart = false;
    await expect(redrive()).rejects.toThrow('interrupted');
    canStart = true;
  };
  const addWaiting = async (requestId: string) => {
    const waiting = new MessageGroup({ ...failed, requestId, orderKey: now + 20 }, ports);
    await waiting.enter();
    await waiting.waitForTurn(requestId, 300_000);
  };

  it('is first in its message group after an earlier redrive was interrupted', async () => {
    await interruptedRedrive();
    const group = new MessageGroup(await redrive(), ports);
    await expect(group.requireTurn()).resolves.toBeUndefined();
    expect(stores.entries(key)).toHaveLength(1);
  });

  it('has one entry in its message group if it is started twice', async () => {
    const group = new MessageGroup(await redrive(), ports);
    const entries = [...stores.entries(key)];
    await redrive();
    expect(stores.entries(key)).toEqual(entries);
    await group.leave();
    expect(stores.entries(key)).toEqual([]);
  });

  it('leaves its message group with the entry of a second redrive that was interrupted', async () => {
    const group = new MessageGroup(await redrive(), ports);
    await interruptedRedrive();
    await addWaiting('next');
    await group.leave();
    expect(woken).toEqual(['next']);
    expect(stores.entries(key)).toHaveLength(1);
  });

  it('removes its entry if its execution has ended', async () => {
    await redrive();
    for (const one of executions.values()) one.status = 'ended';
    await redrive();
    await new MessageGroup({ ...failed, redrive: 1, orderKey: 1 }, ports).leave();
    expect(stores.entries(key)).toEqual([]);
  });

  it('waits behind a request that was accepted before it', async () => {
    await addWaiting('first');
    now += 100;
    await expect(new MessageGroup(await redrive(), ports).requireTurn()).rejects.toThrow(NotFirst);
  });
});
