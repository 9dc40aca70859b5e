import { Entity } from 'electrodb';
import type { Clock } from '../platform/clock.ts';
import { required } from '../platform/configuration.ts';
import { documents, ifConditionHolds, parseItemAddress, type StoredItem } from '../platform/dynamodb.ts';
import type { ConversationKey } from './channel.ts';
import { type HeldSlot, NotFirst } from './errors.ts';
import { slotWakeUp } from './rate-limit.ts';
import { type ExecutionInput, executionName, parseExecutionInput } from './request.ts';

/**
 * The ordered queue of one conversation, as an SQS FIFO queue has message groups. It consists of one entry per request, in
 * the order of acceptance, and of a lock, which the execution that sends holds. The first entry may take the lock. An
 * execution that is not first waits with a task token in its entry, and its predecessor completes the task when it leaves.
 */

/** A request in its message group. */
export interface GroupEntry {
  /** Sorts by order key. */
  readonly position: string;
  readonly execution: string;
  /** The input of the execution, as JSON: whoever is next can start the execution if its acceptance died before. */
  readonly input: string;
  /** Until when the execution is expected to be heard of, ms since 1970. After that, the next one checks on it. */
  readonly until: number;
  /** The task token, while the execution waits for its turn. */
  readonly token?: string | undefined;
}

export interface GroupLock {
  readonly execution: string;
  /** Until when its function may be running, ms since 1970. */
  readonly until: number;
}

/** Message groups. Each method is one read or one write. */
export interface MessageGroupStore {
  /** Adds or updates an entry. Without a token, an existing token stays. */
  put(key: ConversationKey, entry: GroupEntry): Promise<void>;
  /** The lock and the first entry. */
  head(
    key: ConversationKey,
  ): Promise<{ readonly lock?: GroupLock | undefined; readonly first?: GroupEntry | undefined }>;
  /** Extends `until`, unless the entry was changed or removed since it was read. */
  extend(key: ConversationKey, entry: GroupEntry, until: number): Promise<boolean>;
  remove(key: ConversationKey, position: string): Promise<void>;
  /** Takes or extends the lock. Returns false if another execution holds it. */
  lock(key: ConversationKey, lock: GroupLock, now: number): Promise<boolean>;
  /** Releases the lock, if this execution holds it. */
  unlock(key: ConversationKey, execution: string): Promise<void>;
}

/** The executions of the send state machine, by name. */
export interface Executions {
  /** Starts an execution. Returns false if the name was used before. */
  start(name: string, input: string): Promise<boolean>;
  status(name: string): Promise<'running' | 'ended' | 'missing'>;
  /** Completes a task that waits for its token. Returns false if it no longer waits. */
  completeTask(token: string, output: string): Promise<boolean>;
}

export interface MessageGroupPorts {
  readonly groups: MessageGroupStore;
  readonly executions: Executions;
  readonly clock: Clock;
  /** Called when the entry of an execution that had ended was removed. */
  readonly onUnblocked: (organizationId: string) => void;
}

/** How long a new entry, or a step of the state machine, may take until the execution is heard of again. */
const graceMs = 60_000;
/** The longest wait for a turn; the execution then checks the group itself. */
const maxWaitMs = 300_000;
const maxTakeovers = 25;

/** The message group of a conversation, for one request in it. */
export interface MessageGroup {
  /** Adds the request. */
  enter(): Promise<void>;
  /** Returns if the request is first and no other execution holds the lock. Throws {@link NotFirst} otherwise. */
  requireTurn(): Promise<void>;
  /** Takes the lock. Returns false if another execution has taken it. */
  lock(until: number): Promise<boolean>;
  /** Lets the state machine wait for the turn. Throws {@link NotFirst}. */
  notFirst(): Promise<never>;
  /** Stores the task token, and completes the task at once if the request is first already. */
  waitForTurn(token: string, waitMs: number): Promise<void>;
  /** Announces that the execution waits until `until`. A request that has taken the lock keeps it. */
  defer(until: number): Promise<void>;
  /** Removes the request and wakes the next. `reserve` may reserve a slot for it. */
  leave(reserve?: (next: ExecutionInput) => Promise<HeldSlot | undefined>): Promise<void>;
  /**
   * Removes the request of an execution that has ended, and wakes the next. The function of an execution that was stopped may
   * still be running: then returns until when it holds the lock, and the next request has to be woken after that.
   */
  abandon(options: { readonly wasStopped: boolean }): Promise<number | undefined>;
  /** Wakes the first request, if it waits. */
  wakeFirst(): Promise<void>;
}

export function messageGroup(request: ExecutionInput, ports: MessageGroupPorts): MessageGroup {
  const { groups, executions, clock, onUnblocked } = ports;
  const key = { organizationId: request.organizationId, conversationId: request.conversationId };
  const execution = executionName(request);
  const position = entryPosition(request.orderKey, execution);
  const input = JSON.stringify({ request });
  const entry = (until: number, token?: string): GroupEntry => ({
    position,
    execution,
    input,
    until,
    ...(token && { token }),
  });

  /** From the first attempt until the request leaves, so that its parts are not separated. */
  let holdsLock = false;

  const isLockedByOther = (lock: GroupLock | undefined): lock is GroupLock =>
    lock !== undefined && lock.execution !== execution && lock.until >= clock.now();

  const wake = (token: string, slot?: HeldSlot): Promise<boolean> =>
    executions.completeTask(token, JSON.stringify(turnOutput(clock.now(), slot)));

  /** Whether the first entry blocks the group: its execution ended without leaving, or was never started. */
  async function takeOver(first: GroupEntry): Promise<'blocked' | 'removed'> {
    if (!(await groups.extend(key, first, clock.now() + graceMs))) return 'blocked';
    const status = await executions.status(first.execution);
    if (status === 'missing') await executions.start(first.execution, first.input);
    // The wake-up of its predecessor may be lost.
    if (status === 'running' && first.token) await wake(first.token);
    if (status !== 'ended') return 'blocked';
    await groups.remove(key, first.position);
    onUnblocked(key.organizationId);
    return 'removed';
  }

  async function isFirst(): Promise<boolean> {
    for (let takeovers = 0; takeovers < maxTakeovers; takeovers += 1) {
      const { lock, first } = await groups.head(key);
      holdsLock = lock?.execution === execution;
      if (isLockedByOther(lock)) return false;
      if (holdsLock || !first || first.position === position) return true;
      const isBlocked = first.until >= clock.now() || (await takeOver(first)) === 'blocked';
      if (isBlocked) {
        if (takeovers > 0 && first.token) await wake(first.token);
        return false;
      }
    }
    return false;
  }

  async function notFirst(): Promise<never> {
    const now = clock.now();
    // Adds the entry again if it was removed: an entry without a place would never be woken.
    await groups.put(key, entry(now + graceMs));
    throw new NotFirst(now, Math.min(maxWaitMs, request.expiresAt - now));
  }

  async function wakeNext(reserve?: (next: ExecutionInput) => Promise<HeldSlot | undefined>): Promise<void> {
    const { first } = await groups.head(key);
    // Without a token it is on its way to waiting, and checks the group once more when it has stored the token.
    if (!first?.token) return;
    const next = parseExecutionInput(JSON.parse(first.input));
    await wake(first.token, next && (await reserve?.(next)));
  }

  return {
    enter: () => groups.put(key, entry(clock.now() + graceMs)),
    async requireTurn() {
      if (!(await isFirst())) await notFirst();
    },
    async lock(until) {
      holdsLock = await groups.lock(key, { execution, until }, clock.now());
      return holdsLock;
    },
    notFirst,
    async waitForTurn(token, waitMs) {
      await groups.put(key, entry(clock.now() + waitMs + graceMs, token));
      if (await isFirst()) await wake(token);
    },
    async defer(until) {
      const heardUntil = until + graceMs;
      await Promise.all([
        groups.put(key, entry(heardUntil)),
        holdsLock && groups.lock(key, { execution, until: heardUntil }, clock.now()),
      ]);
    },
    async leave(reserve) {
      await Promise.all([groups.remove(key, position), groups.unlock(key, execution)]);
      await wakeNext(reserve);
    },
    async abandon({ wasStopped }) {
      const { lock } = await groups.head(key);
      await groups.remove(key, position);
      const mayRun = wasStopped && lock?.execution === execution && lock.until >= clock.now();
      if (mayRun) return lock.until;
      await groups.unlock(key, execution);
      await wakeNext();
      return undefined;
    },
    wakeFirst: () => wakeNext(),
  };
}

/** The `turn` with which a waiting execution continues. */
function turnOutput(now: number, slot: HeldSlot | undefined) {
  const until = slot ? slotWakeUp(slot.at) : now;
  return { until: new Date(Math.max(until, now)).toISOString(), seconds: 1, slot: slot ?? { at: 0, epoch: 0 } };
}

const positionDigits = 15;

function entryPosition(orderKey: number, execution: string): string {
  return `${String(orderKey).padStart(positionDigits, '0')}#${execution}`;
}

const text = { type: 'string', required: true } as const;
/** Sorts before every entry. */
const lockPosition = '!';

const MessageGroupEntity = new Entity(
  {
    model: { entity: 'messageGroup', version: '1', service: 'livechat' },
    attributes: {
      organizationId: text,
      conversationId: text,
      position: text,
      execution: text,
      input: { type: 'string' },
      until: { type: 'number', required: true },
      token: { type: 'string' },
      expires: { type: 'number', required: true },
    },
    indexes: {
      primary: {
        pk: { field: 'pk', composite: ['organizationId', 'conversationId'], casing: 'none' },
        sk: { field: 'sk', composite: ['position'], casing: 'none' },
      },
    },
  },
  { client: documents, table: required('CONTROL_TABLE', 'the name of the control table') },
);

/** Longer than any execution: two days for the state machine, and one to spare. */
const retentionSeconds = 3 * 86_400;
const expires = () => Math.floor(Date.now() / 1000) + retentionSeconds;

/** Message groups in the control table. */
export const messageGroupStore: MessageGroupStore = {
  async put(key, { position, execution, input, until, token }) {
    await MessageGroupEntity.upsert({
      ...key,
      position,
      execution,
      input,
      until,
      ...(token && { token }),
      expires: expires(),
    }).go();
  },

  async head(key) {
    const { data } = await MessageGroupEntity.query.primary(key).go({ limit: 2, consistent: true });
    const [lock] = data.filter(({ position }) => position === lockPosition);
    const [first] = data.filter(({ position }) => position !== lockPosition);
    return { lock, first: first && { ...first, input: first.input ?? '' } };
  },

  async extend(key, { position, until: seen }, until) {
    const extended = await ifConditionHolds(
      MessageGroupEntity.patch({ ...key, position })
        .set({ until })
        .where((stored, op) => op.eq(stored.until, seen))
        .go(),
    );
    return extended !== undefined;
  },

  async remove(key, position) {
    await MessageGroupEntity.delete({ ...key, position }).go();
  },

  async lock(key, { execution, until }, now) {
    const locked = await ifConditionHolds(
      MessageGroupEntity.put({ ...key, position: lockPosition, execution, until, expires: expires() })
        .where(
          (stored, op) =>
            `${op.notExists(stored.execution)} OR ${op.eq(stored.execution, execution)} OR ${op.lt(stored.until, now)}`,
        )
        .go(),
    );
    return locked !== undefined;
  },

  async unlock(key, execution) {
    await ifConditionHolds(
      MessageGroupEntity.delete({ ...key, position: lockPosition })
        .where((stored, op) => op.eq(stored.execution, execution))
        .go(),
    );
  },
};

/** Every entry of a conversation, and its lock. */
export async function listGroupItems(
  key: ConversationKey,
): Promise<readonly { readonly execution: string; readonly item: StoredItem }[]> {
  const { data } = await MessageGroupEntity.query.primary(key).go({ pages: 'all', consistent: true });
  return data.map(({ position, execution }) => ({
    execution,
    item: parseItemAddress(MessageGroupEntity.get({ ...key, position }).params(), 'messageGroup'),
  }));
}
