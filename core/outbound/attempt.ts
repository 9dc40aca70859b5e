import type { Clock } from '../platform/clock.ts';
import {
  type Carrier,
  longestCallMs,
  longestFetchMs,
  type OutboundPart,
  type OutboundRequest,
  type Sent,
} from './carrier.ts';
import type { History, Release } from './delivery.ts';
import { Deferred, RequestExpired } from './errors.ts';
import { type CallFailure, isAnswered, isCallFailure } from './failure.ts';
import { longestNearMs } from './gate/gate.ts';
import type { Passage, Slot } from './gate/passage.ts';
import { nextAfter, settledAt } from './retry.ts';
import type { Did } from './tries.ts';

const spareMs = 5_000;
/** A join takes a moment to be in effect. */
const joinTakesMs = 5_000;
const joinPollMs = 400;
const defaultRetryAfterMs = 1_000;

export interface AttemptOptions<Content> {
  readonly request: OutboundRequest<Content>;
  readonly part: OutboundPart<Content>;
  readonly history: History;
  readonly carrier: Carrier<Content>;
  readonly passage: Passage;
  readonly clock: Clock;
  /** When the function ends, ms since 1970. */
  readonly deadline: number;
  /** Called once, when the credentials have stopped working. */
  readonly onLocked: () => Promise<void>;
}

/**
 * One attempt to send a part that has been claimed: look for it if an earlier attempt may have arrived, then send it, with
 * each repair tried once. When it fails, `release` holds what the next attempt must know.
 */
export class Attempt<Content> {
  readonly #options: AttemptOptions<Content>;
  #carrier: Carrier<Content>;
  #repaired = new Set<string>();
  #joinedAt: number | undefined;
  release: Release;
  /** Whether an earlier attempt turned out to have arrived. */
  found = false;
  readonly did: Did[] = [];

  constructor(options: AttemptOptions<Content>) {
    this.#options = options;
    this.#carrier = options.carrier;
    const { unknown, settledAt, attempts } = options.history;
    this.release = { unknown: unknown ? 'yes' : 'no', settledAt, attempts, lastError: '' };
  }

  async run(): Promise<Sent> {
    if (this.release.unknown === 'yes') {
      const found = await this.#probe();
      if (found) {
        this.found = true;
        return found;
      }
    }
    // What may have arrived is looked for even after its time; what has not is not sent any more.
    const { request, history, clock } = this.#options;
    if (clock.now() >= request.expiresAt) throw new RequestExpired(request.requestId, history.lastError);
    const content = await this.#uploaded();
    const { part } = this.#options;
    return this.#repairing(
      () => this.#write(() => this.#carrier.send(part.conversationId, { id: part.id, content })),
      content,
    );
  }

  /** Looks for the message. Absent counts only once the earlier attempt can no longer be at work. */
  async #probe(): Promise<Sent | undefined> {
    const { part, history, clock } = this.#options;
    const found = await this.#call(() => this.#carrier.find(part.conversationId, part.id, history.firstAttemptAt));
    if (found) return found;
    if (this.release.settledAt > clock.now()) throw new Deferred(this.release.settledAt + 50, 'unknown');
    this.release = { ...this.release, unknown: 'no' };
    return undefined;
  }

  /** A file is fetched before there is a slot: it takes as long as its server likes, and a slot's call starts in time. */
  async #uploaded(): Promise<Content> {
    const { part, passage, deadline, clock } = this.#options;
    const { content } = part;
    if (!this.#carrier.hasFile(content)) return content;
    const latest = deadline - longestFetchMs - longestNearMs - longestCallMs - spareMs;
    if (clock.now() > latest) throw new Deferred(clock.now(), 'time');
    await passage.approach();
    return this.#carrier.withFile(content, (fetched) => this.#call(() => this.#carrier.upload(fetched)));
  }

  async #repairing(send: () => Promise<Sent>, content: Content): Promise<Sent> {
    for (;;) {
      try {
        return await send();
      } catch (error) {
        if (!isCallFailure(error) || error.category !== 'Repairable') throw error;
        const instead = await this.#repair(error, content);
        if (instead) return instead;
      }
    }
  }

  /** Mends what an error names, once each; answers the message where the repair itself has sent it. */
  async #repair(error: CallFailure, content: Content): Promise<Sent | undefined> {
    const { part, request } = this.#options;
    const { conversationId } = part;
    if (error.repair === 'join' && this.#joinedAt !== undefined) return this.#awaitJoin(error);
    const kind = error.repair ?? 'none';
    if (this.#repaired.has(kind)) throw error;
    this.#repaired.add(kind);
    if (kind === 'resume' && request.options.onInactive === 'append') {
      const sent = await this.#write(() => this.#carrier.append(conversationId, { id: part.id, content }));
      this.did.push('appended');
      return sent;
    }
    if (kind === 'resume' && request.options.onInactive === 'resume') await this.#resume(conversationId);
    else if (kind === 'join') await this.#join(conversationId);
    else throw error;
    return undefined;
  }

  async #resume(conversationId: string): Promise<void> {
    try {
      await this.#call(() => this.#carrier.resume(conversationId));
      this.did.push('resumed');
    } catch (error) {
      // Somebody else was faster and it is active already; if that was not it, the next call will say so.
      if (!isCallFailure(error) || error.category !== 'Client') throw error;
    }
  }

  async #join(conversationId: string): Promise<void> {
    try {
      await this.#call(() => this.#carrier.join(conversationId));
      this.did.push('joined');
    } catch (error) {
      const refused = isCallFailure(error) && error.repair === 'transfer';
      if (!refused || this.#options.request.options.onAbsent !== 'transfer') throw error;
      await this.#call(() => this.#carrier.takeOver(conversationId));
      this.did.push('took over');
    }
    this.#joinedAt = this.#options.clock.now();
  }

  async #awaitJoin(error: CallFailure): Promise<undefined> {
    const { clock } = this.#options;
    if (clock.now() - (this.#joinedAt ?? 0) > joinTakesMs) throw error;
    await clock.sleep(joinPollMs);
  }

  /** A call that may leave the message behind even when it fails. */
  async #write(call: () => Promise<Sent>): Promise<Sent> {
    let began = this.#options.clock.now();
    return this.#call(
      () => {
        began = this.#options.clock.now();
        // Were the function to die from here on, the claim itself says that the outcome is unknown.
        return call();
      },
      (error) => {
        if (error.outcome !== 'unknown') return;
        const settled = settledAt(isAnswered(error), began, this.#options.clock.now());
        this.release = { ...this.release, unknown: 'yes', settledAt: settled };
      },
    );
  }

  /** One call through the gate, which learns how it went. */
  async #call<T>(call: () => Promise<T>, onFailure: (error: CallFailure) => void = () => {}): Promise<T> {
    const { passage, deadline } = this.#options;
    const slot = await passage.enter(deadline - longestCallMs - spareMs);
    try {
      const result = await call();
      await passage.passed(slot);
      return result;
    } catch (error) {
      if (!isCallFailure(error)) {
        await passage.unused(slot);
        throw error;
      }
      onFailure(error);
      return this.#afterFailure(error, slot, () => this.#call(call, onFailure));
    }
  }

  async #afterFailure<T>(error: CallFailure, slot: Slot, again: () => Promise<T>): Promise<T> {
    const { passage, request, clock } = this.#options;
    switch (error.category) {
      case 'RateLimit':
        throw new Deferred(await passage.limited(slot, error.retryAfterMs ?? defaultRetryAfterMs), 'limited');
      case 'Server':
      case 'Network': {
        await passage.failed(slot);
        const attempts = this.release.attempts + 1;
        this.release = { ...this.release, attempts, lastError: error.name };
        const next = nextAfter(attempts, clock.now(), request.expiresAt);
        if (next.kind === 'later') throw new Deferred(next.at, 'failing', { cause: error });
        if (next.kind === 'expired') throw new RequestExpired(request.requestId, error.name, { cause: error });
        throw error;
      }
      case 'Authentication': {
        await passage.unused(slot);
        return this.#withFreshCredentials(error, again);
      }
      default:
        // LiveChat has answered, and well enough to say what is wrong with this one message.
        await passage.passed(slot);
        this.release = { ...this.release, lastError: error.name };
        if (!this.#follows(error)) throw error;
        return again();
    }
  }

  /** LiveChat keeps this organization in another region: the call is made again there, whichever it was. */
  #follows({ repair, region }: CallFailure): boolean {
    if (repair !== 'region' || !region || this.#repaired.has(repair)) return false;
    this.#repaired.add(repair);
    this.#carrier = this.#carrier.inRegion(region);
    this.did.push('followed');
    return true;
  }

  async #withFreshCredentials<T>(error: CallFailure, again: () => Promise<T>): Promise<T> {
    this.release = { ...this.release, lastError: error.name };
    const fresh = this.#repaired.has('credentials') ? undefined : await this.#carrier.withFreshCredentials();
    this.#repaired.add('credentials');
    if (!fresh) {
      if (await this.#options.passage.locked()) await this.#options.onLocked();
      throw error;
    }
    this.#carrier = fresh;
    this.did.push('new credentials');
    return again();
  }
}
