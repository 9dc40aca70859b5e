import type { Clock } from '../clock.ts';
import type { Fault, Faults } from '../control/faults.ts';
import { authenticate } from './authenticate.ts';
import { LiveChatError, toLiveChatError } from './errors.ts';
import type { Limiter } from './limiter.ts';
import { authorize } from './scopes.ts';
import { lostAnswerOf, type Outcome, refusalOf } from './strike.ts';
import { type Version, versions } from './version.ts';
import type { Method, World } from './world.ts';

/** A call of one of the APIs' methods, as it came in. */
export interface Call {
  readonly method: string;
  readonly run: Method;
  readonly version: string;
  readonly authorization: string | undefined;
  readonly region: string | undefined;
  /** @throws LiveChatError when it cannot be read */
  readonly body: () => unknown;
}

export interface Parts {
  readonly world: World;
  readonly faults: Faults;
  readonly limiter: Limiter;
  readonly clock: Clock;
  /** A number from 0 to below 1. */
  readonly random: () => number;
}

/** LiveChat gives a call up after 15 s, so that nothing is done later than this. */
const latestMs = 14_000;

const versionOf = (given: string): Version => {
  const version = versions.find((known) => known === given);
  if (version === undefined) throw new LiveChatError('unsupported_version');
  return version;
};

/** Decides what becomes of a call: refused by the rules, struck by a fault, or done. */
export const createDispatch = ({
  world,
  faults,
  limiter,
  clock,
  random,
}: Parts): ((call: Call) => Promise<Outcome>) => {
  const { calls, settings } = world;

  const admit = ({ method, version, authorization }: Call): void => {
    const current = settings.current();
    versionOf(version);
    authenticate(authorization, current);
    authorize(method, current);
    if (!limiter.admit(current.rateLimitPerSecond)) throw new LiveChatError('too_many_requests');
  };

  const accept = (call: Call): Outcome => {
    const body = call.run(call.body(), world, versionOf(call.version));
    calls.accepted(call.method);
    return { kind: 'answer', body };
  };

  const struckBy = async (fault: Fault, call: Call): Promise<Outcome> => {
    const { request } = fault;
    const { kind, latencyMs = kind === 'accept-late' ? Math.round(random() * latestMs) : 0 } = request;
    switch (kind) {
      case 'accept-then-hang':
      case 'accept-then-reset':
      case 'accept-then-error':
        // Done first: what is refused anyway gets its own answer, and the fault waits for a call that is not.
        accept(call);
        faults.strike(fault);
        await clock.wait(latencyMs);
        return lostAnswerOf(request);
      case 'accept-late':
        faults.strike(fault);
        void clock
          .wait(latencyMs)
          .then(() => accept(call))
          .catch(toLiveChatError);
        return { kind: 'reset' };
      default:
        faults.strike(fault);
        await clock.wait(latencyMs);
        if (kind === 'reset-before-accept') return { kind: 'reset' };
        if (kind === 'latency') return accept(call);
        throw refusalOf(request);
    }
  };

  const attempt = (call: Call): Outcome | Promise<Outcome> => {
    admit(call);
    const fault = faults.next(call);
    return fault === undefined ? accept(call) : struckBy(fault, call);
  };

  return async (call) => {
    calls.called(call.method);
    try {
      return await attempt(call);
    } catch (thrown) {
      const error = toLiveChatError(thrown);
      if (error.status === 429) calls.rateLimited(call.method);
      return { kind: 'error', error };
    }
  };
};
