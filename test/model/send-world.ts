import type { HeldSlot } from '../../core/channel/deferred.ts';
import { createRateLimiters } from '../../core/channel/rate-limiter.ts';
import type { AcceptPorts } from '../../core/outbound/accept.ts';
import type { DeliveryStore } from '../../core/outbound/delivery.ts';
import { MessageGroup } from '../../core/outbound/message-group.ts';
import { type ExecutionInput, executionName } from '../../core/outbound/request.ts';
import { type SentPart, sendRequest } from '../../core/outbound/send.ts';
import { newDeliveries } from './requests.ts';
import { type Script, scriptedChannel } from './scripted-channel.ts';
import { memoryStores } from './stores.ts';
import { VirtualTime } from './virtual-time.ts';

interface StepOptions {
  /** The slot that was reserved before a wait. */
  readonly held?: HeldSlot | undefined;
  /** The time until the function times out. */
  readonly remainingMs?: number;
  readonly deliveries?: DeliveryStore;
  readonly onSent?: () => Promise<void>;
}

const lambdaTimeoutMs = 60_000;

/**
 * The tables of the send path and a recorded Step Functions, in virtual time, which starts at 0. Each test invokes the steps
 * itself.
 */
export function sendWorld(script: Script = {}, { callTakesMs = 0 } = {}) {
  const time = new VirtualTime(1);
  const stores = memoryStores(10);
  const statuses = new Map<string, 'running' | 'ended'>();
  const started: string[] = [];
  const completed: { token: string; output: unknown }[] = [];
  const unblocked: string[] = [];
  const announced: SentPart[][] = [];
  const warnings: string[] = [];
  const ports: AcceptPorts = {
    clock: time,
    groups: stores.groups,
    deliveries: stores.deliveries,
    executions: {
      async start(name, input) {
        if (statuses.has(name)) return false;
        statuses.set(name, 'running');
        started.push(input);
        return true;
      },
      status: async (name) => statuses.get(name) ?? 'missing',
      async completeTask(token, output) {
        completed.push({ token, output: JSON.parse(output) });
        return true;
      },
    },
    onUnblocked: (organizationId) => void unblocked.push(organizationId),
  };
  const createLimiter = createRateLimiters({
    store: stores.rateLimits,
    clock: time,
    shares: { routing: 10, reconciliation: 20 },
    callsPerSecond: 10,
    metrics: { count() {} },
    log: { warn() {} },
  });
  const { channel, ...scripted } = scriptedChannel(script, { before: () => time.sleep(callTakesMs) });
  const log = {
    ...{ debug() {}, info() {}, error() {} },
    warn: (message: unknown) => void warnings.push(String(message)),
  };
  const send = (input: ExecutionInput, { held, remainingMs = lambdaTimeoutMs, ...more }: StepOptions = {}) =>
    sendRequest(
      input,
      { held, deadline: time.now() + remainingMs },
      {
        ...ports,
        limiter: createLimiter(input.organizationId, { share: 'sends' }),
        channel,
        onSent: async (parts) => void announced.push([...parts]),
        ...more,
        onCredentialsBlocked: async () => {},
        log,
      },
    );
  const group = (input: ExecutionInput) => new MessageGroup(input, ports);
  return {
    ...scripted,
    ...{ time, stores, ports, statuses, started, completed, unblocked, announced, warnings, group, send },
    /** Stores the deliveries, enters the group and starts the execution, as acceptance does. */
    async accept(input: ExecutionInput): Promise<ExecutionInput> {
      for (const delivery of newDeliveries(input)) await stores.deliveries.create(delivery);
      await group(input).enter();
      statuses.set(executionName(input), 'running');
      return input;
    },
    limit: () => stores.rateLimit('organization'),
    setLimit: (set: Parameters<typeof stores.rateLimits.update>[1]['set']) =>
      stores.rateLimits.update('organization', { when: [], ...(set && { set }) }),
    /** The requests in their group, in order. */
    waiting: () =>
      stores
        .entries({ organizationId: 'organization', conversationId: 'chat' })
        .map(({ input }): unknown => JSON.parse(input).request.requestId),
    /** Lets time pass until the work is done. */
    live: <T>(work: () => Promise<T>): Promise<T> => time.until(work(), 36_000_000),
  };
}

/** Ports of a function whose n-th operation is its last: it crashes before or after the effect of the operation. */
export function crashAt(ports: AcceptPorts, at: number, when: 'before' | 'after'): AcceptPorts {
  let operations = 0;
  const wrap =
    <Given extends unknown[], Result>(operation: (...given: Given) => Promise<Result>) =>
    async (...given: Given): Promise<Result> => {
      operations += 1;
      const crashes = operations === at;
      if (crashes && when === 'before') throw new Error('crashed');
      const result = await operation(...given);
      if (crashes) throw new Error('crashed');
      return result;
    };
  const { groups, deliveries, executions } = ports;
  return {
    ...ports,
    groups: {
      put: wrap(groups.put),
      head: wrap(groups.head),
      extend: wrap(groups.extend),
      remove: wrap(groups.remove),
      lock: wrap(groups.lock),
      unlock: wrap(groups.unlock),
    },
    deliveries: {
      create: wrap(deliveries.create),
      read: wrap(deliveries.read),
      claim: wrap(deliveries.claim),
      release: wrap(deliveries.release),
      recordSent: wrap(deliveries.recordSent),
      fail: wrap(deliveries.fail),
    },
    executions: {
      start: wrap(executions.start),
      status: wrap(executions.status),
      completeTask: wrap(executions.completeTask),
    },
  };
}
