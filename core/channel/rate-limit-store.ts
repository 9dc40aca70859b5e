import { Entity } from 'electrodb';
import { wholeNumber } from '../platform/configuration.ts';
import { keys, number, tableIn, text } from '../platform/dynamodb.ts';
import { carrierOf } from './carrier.ts';
import {
  allTats,
  baseInterval,
  closedBreaker,
  initialState,
  margin,
  planNewEpoch,
  type RateLimitState,
  type RateLimitUpdate,
  type Shares,
  shareInterval,
  windowMs,
} from './rate-limit.ts';
import type { RateLimitStore } from './rate-limiter.ts';
import { callsPerSecondSetting } from './spec.ts';

const RateLimitEntity = new Entity(
  {
    model: { entity: 'rateLimit', version: '1', service: 'livechat' },
    attributes: {
      organizationId: text,
      channel: text,
      sendsTat: number,
      routingTat: number,
      reconciliationTat: number,
      routingUntil: number,
      reconciliationUntil: number,
      interval: number,
      baseInterval: number,
      limitedInterval: number,
      slowedAt: number,
      epoch: number,
      breaker: { type: ['closed', 'open', 'half-open'] as const, required: true },
      reason: { type: ['', 'failures', 'credentials'] as const, required: true },
      openUntil: number,
      probeUntil: number,
      failures: number,
      successes: number,
      windowStart: number,
      paused: { type: ['no', 'yes'] as const, required: true },
    },
    indexes: {
      primary: keys(['organizationId', 'channel'], []),
    },
  },
  tableIn('CONTROL_TABLE'),
);

const primaryKey = (organizationId: string) => ({ organizationId, channel: carrierOf(organizationId) });

/** The configured rate of a carrier, and the shares. */
export function rateLimitSettings(carrier: string): { callsPerSecond: number; shares: Shares } {
  const { name, fallback } = callsPerSecondSetting(carrier);
  return {
    callsPerSecond: wholeNumber(name, fallback, 1),
    shares: {
      routing: wholeNumber('ROUTING_SHARE_PERCENT', 10, 1),
      reconciliation: wholeNumber('RECONCILIATION_SHARE_PERCENT', 20, 1),
    },
  };
}

/** Rate limits in the control table. */
export function rateLimitStore(defaultRate: number): RateLimitStore {
  /** Creates the item, or returns the one that exists. */
  async function create(organizationId: string): Promise<RateLimitState> {
    const initial = initialState(defaultRate);
    const { data } = await RateLimitEntity.create({ ...primaryKey(organizationId), ...initial }).go({
      returnOnConditionCheckFailure: 'all_old',
    });
    return data ?? initial;
  }

  return {
    async read(organizationId) {
      const { data } = await RateLimitEntity.get(primaryKey(organizationId)).go({ consistent: true });
      return data ?? (await create(organizationId));
    },
    async update(organizationId, { when, set = {}, add = {} }) {
      const { rejected, data } = await RateLimitEntity.patch(primaryKey(organizationId))
        .set(set)
        .add(add)
        .where((attributes, op) =>
          when
            .map(({ field, is, value }) => {
              const attribute = attributes[field];
              if (is === '=') return op.eq(attribute, value);
              return is === '>' ? op.gt(attribute, value) : op.lte(attribute, value);
            })
            .join(' AND '),
        )
        .go({ response: 'all_new', returnOnConditionCheckFailure: 'all_old' });
      // Without an item, no condition holds.
      return { applied: !rejected, state: data ?? (await create(organizationId)) };
    },
  };
}

export type RateLimitCommand =
  | { readonly do: 'pause' }
  | { readonly do: 'resume' }
  | { readonly do: 'set'; readonly callsPerSecond: number };

/** What an operator does. `resume` also closes the breaker. */
export function planCommand(state: RateLimitState, command: RateLimitCommand, now: number): RateLimitUpdate {
  const { epoch } = state;
  if (command.do === 'pause') return planNewEpoch(epoch, { paused: 'yes' });
  if (command.do === 'resume')
    return planNewEpoch(epoch, { ...closedBreaker, ...allTats(now), openUntil: 0, paused: 'no' });
  const interval = baseInterval(command.callsPerSecond);
  return planNewEpoch(epoch, {
    baseInterval: interval,
    interval,
    limitedInterval: interval,
    slowedAt: now,
    ...allTats(now),
  });
}

/** A rate limit as an operator sees it, computed for the time of reading. */
export interface RateLimitView {
  readonly organizationId: string;
  readonly paused: boolean;
  readonly breaker: RateLimitState['breaker'];
  readonly reason: RateLimitState['reason'];
  /** ISO 8601: when the breaker lets a probe call through. */
  readonly openUntil?: string;
  /** The rate now, and the configured one. */
  readonly callsPerSecond: number;
  readonly baseCallsPerSecond: number;
  /** The rate of sends now: without the active shares of routing and reconciliation. */
  readonly sendsPerSecond: number;
  /** How long the last reserved slot of sends is away. */
  readonly backlogSeconds: number;
  /** Failed calls within the last half minute, and successful ones since the first of them. */
  readonly failures: number;
  readonly successes: number;
}

export function callsPerSecond(interval: number): number {
  return Math.round((1000 * margin * 100) / interval) / 100;
}

export function rateLimitView(
  organizationId: string,
  state: RateLimitState,
  shares: Shares,
  now: number,
): RateLimitView {
  const isWindowOpen = now - state.windowStart < windowMs;
  return {
    organizationId,
    paused: state.paused === 'yes',
    breaker: state.breaker,
    reason: state.reason,
    ...(state.breaker === 'open' && { openUntil: new Date(state.openUntil).toISOString() }),
    callsPerSecond: callsPerSecond(state.interval),
    baseCallsPerSecond: callsPerSecond(state.baseInterval),
    sendsPerSecond: callsPerSecond(shareInterval(state, 'sends', shares, now)),
    backlogSeconds: Math.max(0, Math.round((state.sendsTat - now) / 1000)),
    failures: isWindowOpen ? state.failures : 0,
    successes: isWindowOpen ? state.successes : 0,
  };
}

/** Pauses or resumes an organization, or sets its rate. Returns the rate limit afterwards. */
export async function commandRateLimit(
  organizationId: string,
  command: RateLimitCommand,
  now: number,
): Promise<RateLimitView> {
  const { callsPerSecond: defaultRate, shares } = rateLimitSettings(carrierOf(organizationId));
  const store = rateLimitStore(defaultRate);
  for (;;) {
    const before = await store.read(organizationId);
    const { applied, state } = await store.update(organizationId, planCommand(before, command, now));
    if (applied) return rateLimitView(organizationId, state, shares, now);
  }
}

/** The state of an organization's rate limiter. Writes nothing: without an item, the initial state. */
export async function readRateLimitState(organizationId: string): Promise<RateLimitState> {
  const { data } = await RateLimitEntity.get(primaryKey(organizationId)).go({ consistent: true });
  return data ?? initialState(rateLimitSettings(carrierOf(organizationId)).callsPerSecond);
}

/** The rate limit of an organization, for the time of reading. */
export async function readRateLimit(organizationId: string, now: number): Promise<RateLimitView> {
  const { shares } = rateLimitSettings(carrierOf(organizationId));
  return rateLimitView(organizationId, await readRateLimitState(organizationId), shares, now);
}
