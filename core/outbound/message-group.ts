import { Entity } from 'electrodb';
import type { ConversationKey } from '../channel/channel.ts';
import { type HeldSlot, slotWakeUp } from '../channel/deferred.ts';
import type { Clock } from '../platform/clock.ts';
import {
  ifConditionHolds,
  keys,
  number,
  parseItemAddress,
  type StoredItem,
  tableIn,
  text,
} from '../platform/dynamodb.ts';
import { NotFirst } from './errors.ts';
import { type ExecutionInput, executionName, parseExecutionInput } from './request.ts';

/**
 * The queue of one conversation, modelled on SQS FIFO message groups: one entry per request, sorted by order key, and a lock
 * held by the execution that is sending. The first entry may take the lock. An execution that is not first waits with a task
 * token in its entry, and its predecessor completes the task when it leaves. A request that enters after a later one has
 * taken the lock is sent after it.
 */

/** A request in its message group. */
export interface GroupEntry {
  /** Sorts by order key. */
  readonly position: string;
  readonly execution: string;
  /** The input of the execution, as JSON, so that another execution can start this one if the acceptance crashed first. */
  readonly input: string;
  /** The lease, ms since 1970. Once it has passed, an execution that looks at the group checks whether this one still runs. */
  readonly until: number;
  /** The task token, while the execution waits for its turn. */
  readonly token?: string | undefined;
}

export interface GroupLock {
  readonly execution: string;
  /** Until when no other execution may take it, ms since 1970. */
  readonly until: number;
  /** The execution waits in the state machine: no function of it runs. */
  readonly isDeferred?: boolean;
}

export interface GroupHead {
  readonly lock?: GroupLock | undefined;
  readonly first?: GroupEntry | undefined;
}

/** The executions of the send state machine, by name. */
export interface Executions {
  /**
   * Starts an execution. Returns true if it was started, or is running already with the same input; false if the name was used
   * with another input or by an execution that has ended.
   */
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

/** How long an entry is valid beyond an announced wait, and when it is new. */
const graceMs = 60_000;
/** The longest wait for a turn; the execution then checks the group itself. */
const maxTurnWaitMs = 300_000;
const maxCleared = 25;

/** Reserves a slot for the next request, if that is useful. */
type ReserveForNext = (next: ExecutionInput) => Promise<HeldSlot | undefined>;

/** The message group of a conversation, for one request in it. */
export class MessageGroup {
  readonly #request: ExecutionInput;
  readonly #ports: MessageGroupPorts;
  readonly #execution: string;
  readonly #position: string;
  /** From the first attempt until the request leaves, so that its parts are not separated. */
  #holdsLock = false;

  constructor(request: ExecutionInput, ports: MessageGroupPorts) {
    this.#request = request;
    this.#ports = ports;
    this.#execution = executionName(request);
    this.#position = entryPosition(request.orderKey, this.#execution);
  }

  /** Adds the request. */
  async enter(): Promise<void> {
    await this.#put(this.#now() + graceMs);
  }

  /** Returns if the request holds the lock, or is first and the lock is free. Throws {@link NotFirst} otherwise. */
  async requireTurn(): Promise<void> {
    if (!(await this.#isFirst())) await this.notFirst();
  }

  /** Takes the lock. Returns false if another execution has taken it. */
  async lock(until: number): Promise<boolean> {
    return this.#lock({ until });
  }

  /** Lets the state machine wait for the turn. Throws {@link NotFirst}. */
  async notFirst(): Promise<never> {
    const now = this.#now();
    // Adds the entry again if it was removed: without an entry the execution is never woken.
    await this.#put(now + graceMs);
    // An expired request that still waits may have been sent.
    const remainingMs = this.#request.expiresAt - now;
    throw new NotFirst(now, remainingMs > 0 ? Math.min(maxTurnWaitMs, remainingMs) : maxTurnWaitMs);
  }

  /** Stores the task token, and completes the task at once if the request is first already. */
  async waitForTurn(token: string, waitMs: number): Promise<void> {
    await this.#put(this.#now() + waitMs + graceMs, token);
    if (await this.#isFirst()) await this.#wake(token);
  }

  /** Announces that the execution waits until `until`. A request that has taken the lock keeps it. */
  async defer(until: number): Promise<void> {
    await this.#put(until + graceMs);
    if (this.#holdsLock) await this.#lock({ until: until + graceMs, isDeferred: true });
  }

  /** Removes the request and wakes the next. */
  async leave(reserve?: ReserveForNext): Promise<void> {
    const { groups } = this.#ports;
    await Promise.all([groups.remove(this.#request, this.#position), groups.unlock(this.#request, this.#execution)]);
    await this.wakeFirst(reserve);
  }

  /** Removes only this entry: the same execution has another one in the group. */
  async withdraw(): Promise<void> {
    await this.#ports.groups.remove(this.#request, this.#position);
  }

  /**
   * Removes the request of an execution that has ended, and wakes the next. The function of an execution that was stopped may
   * still be running: in that case, returns the time at which its lock ends, after which the caller wakes the next request.
   */
  async abandon({ wasStopped }: { readonly wasStopped: boolean }): Promise<number | undefined> {
    const { lock } = await this.#ports.groups.head(this.#request);
    const isHeld = lock?.execution === this.#execution && lock.until >= this.#now();
    if (!isHeld || !wasStopped || lock.isDeferred) {
      await this.leave();
      return undefined;
    }
    await this.#ports.groups.remove(this.#request, this.#position);
    return lock.until;
  }

  /** Wakes the first request, if it waits. Without a token it has not stored one yet; it checks the group after storing it. */
  async wakeFirst(reserve?: ReserveForNext): Promise<void> {
    const { first } = await this.#head();
    if (!first?.token) return;
    const next = parseExecutionInput(JSON.parse(first.input));
    // Without a slot it reserves one itself.
    const slot = next && (await reserve?.(next).catch(() => undefined));
    await this.#wake(first.token, slot);
  }

  async #isFirst(): Promise<boolean> {
    for (let removed = 0; removed < maxCleared; removed += 1) {
      const { lock, first } = await this.#head();
      this.#holdsLock = lock?.execution === this.#execution;
      if (lock && !this.#holdsLock && lock.until >= this.#now()) return false;
      if (this.#holdsLock || !first || first.position === this.#position) return true;
      if (first.until >= this.#now() || !(await this.#clearStale(first))) {
        // The execution whose entry was removed cannot wake the one that is first now.
        if (removed > 0 && first.token) await this.#wake(first.token);
        return false;
      }
    }
    return false;
  }

  /** The lock and the first entry. Removes other entries of this execution, left behind by an interrupted redrive. */
  async #head(): Promise<GroupHead> {
    const { groups } = this.#ports;
    for (;;) {
      const head = await groups.head(this.#request);
      const { first } = head;
      if (first?.execution !== this.#execution || first.position === this.#position) return head;
      await groups.remove(this.#request, first.position);
    }
  }

  /** Removes the first entry if its execution ended without leaving. Starts the execution if the acceptance crashed before starting it. */
  async #clearStale(first: GroupEntry): Promise<boolean> {
    const { groups, executions, onUnblocked } = this.#ports;
    if (!(await groups.extend(this.#request, first, this.#now() + graceMs))) return false;
    const status = await executions.status(first.execution);
    if (status === 'missing') await executions.start(first.execution, first.input);
    // The wake-up of its predecessor may be lost.
    if (status === 'running' && first.token) await this.#wake(first.token);
    if (status !== 'ended') return false;
    await groups.remove(this.#request, first.position);
    onUnblocked(this.#request.organizationId);
    return true;
  }

  async #lock(lock: Omit<GroupLock, 'execution'>): Promise<boolean> {
    const { groups } = this.#ports;
    this.#holdsLock = await groups.lock(this.#request, { execution: this.#execution, ...lock }, this.#now());
    return this.#holdsLock;
  }

  #now(): number {
    return this.#ports.clock.now();
  }

  async #put(until: number, token?: string): Promise<void> {
    const input = JSON.stringify({ request: this.#request });
    const entry = { position: this.#position, execution: this.#execution, input, until, ...(token && { token }) };
    await this.#ports.groups.put(this.#request, entry);
  }

  async #wake(token: string, slot?: HeldSlot): Promise<void> {
    await this.#ports.executions.completeTask(token, JSON.stringify(turnOutput(this.#now(), slot)));
  }
}

/** The `turn` with which a waiting execution continues. */
function turnOutput(now: number, slot: HeldSlot | undefined) {
  const until = slot ? slotWakeUp(slot.at) : now;
  return {
    until: new Date(Math.max(until, now)).toISOString(),
    // The state machine reads this path, whatever it waits for.
    seconds: 1,
    slot: { at: 0, epoch: 0, missed: 0, ...slot },
  };
}

const positionDigits = 15;

function entryPosition(orderKey: number, execution: string): string {
  return `${String(orderKey).padStart(positionDigits, '0')}#${execution}`;
}

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
      until: number,
      token: { type: 'string' },
      isDeferred: { type: 'boolean' },
      expires: number,
    },
    indexes: {
      primary: keys(['organizationId', 'conversationId'], ['position']),
    },
  },
  tableIn('CONTROL_TABLE'),
);

/** Longer than any execution: two days for the state machine, and one to spare. */
const retentionSeconds = 3 * 86_400;
const expires = () => Math.floor(Date.now() / 1000) + retentionSeconds;

const primaryKey = ({ organizationId, conversationId }: ConversationKey) => ({ organizationId, conversationId });

/** Message groups in the control table. Each method is one read or one write. */
export const messageGroupStore = {
  /** Adds or updates an entry. Without a token, an existing token stays. */
  async put(key: ConversationKey, { position, execution, input, until, token }: GroupEntry): Promise<void> {
    await MessageGroupEntity.upsert({
      ...primaryKey(key),
      position,
      execution,
      input,
      until,
      ...(token && { token }),
      expires: expires(),
    }).go();
  },

  /** The lock and the first entry. The lock sorts first. */
  async head(key: ConversationKey): Promise<GroupHead> {
    const { data } = await MessageGroupEntity.query.primary(primaryKey(key)).go({ limit: 2, consistent: true });
    const [lock] = data.filter(({ position }) => position === lockPosition);
    const [first] = data.filter(({ position }) => position !== lockPosition);
    return { lock, first: first && { ...first, input: first.input ?? '' } };
  },

  /** Extends `until`, unless the entry was changed or removed since it was read. */
  async extend(key: ConversationKey, { position, until: seen }: GroupEntry, until: number): Promise<boolean> {
    const extended = await ifConditionHolds(
      MessageGroupEntity.patch({ ...primaryKey(key), position })
        .set({ until })
        .where((stored, op) => op.eq(stored.until, seen))
        .go(),
    );
    return extended !== undefined;
  },

  async remove(key: ConversationKey, position: string): Promise<void> {
    await MessageGroupEntity.delete({ ...primaryKey(key), position }).go();
  },

  /** Takes or extends the lock. Returns false if another execution holds it. */
  async lock(key: ConversationKey, lock: GroupLock, now: number): Promise<boolean> {
    const locked = await ifConditionHolds(
      MessageGroupEntity.put({ ...primaryKey(key), position: lockPosition, ...lock, expires: expires() })
        .where(
          (stored, op) =>
            `${op.notExists(stored.execution)} OR ${op.eq(stored.execution, lock.execution)} OR ${op.lt(stored.until, now)}`,
        )
        .go(),
    );
    return locked !== undefined;
  },

  /** Releases the lock, if this execution holds it. */
  async unlock(key: ConversationKey, execution: string): Promise<void> {
    await ifConditionHolds(
      MessageGroupEntity.delete({ ...primaryKey(key), position: lockPosition })
        .where((stored, op) => op.eq(stored.execution, execution))
        .go(),
    );
  },
};

export type MessageGroupStore = typeof messageGroupStore;

/** Every entry of a conversation, and its lock. */
export async function listGroupItems(
  key: ConversationKey,
): Promise<readonly { readonly execution: string; readonly item: StoredItem }[]> {
  const { data } = await MessageGroupEntity.query.primary(primaryKey(key)).go({ pages: 'all', consistent: true });
  return data.map(({ position, execution }) => ({
    execution,
    item: parseItemAddress(MessageGroupEntity.get({ ...primaryKey(key), position }).params(), 'messageGroup'),
  }));
}
