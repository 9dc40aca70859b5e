import type { ChannelError } from './channel.ts';
import type { RateLimiter } from './rate-limiter.ts';

/** An adapter of a channel whose connection can be replaced. */
export interface Reconnectable<Self> {
  /** The same adapter in the region that an error names. */
  inRegion(region: string): Self;
  /** The same adapter with newly read credentials; undefined if they have not changed. */
  withFreshCredentials(): Promise<Self | undefined>;
}

export interface ReconnectOptions {
  readonly limiter: Pick<RateLimiter, 'blockCredentials'>;
  /** Called once, if the credentials have stopped working. */
  readonly onCredentialsBlocked: () => Promise<void>;
  /** The repairs that were tried: each is tried once. */
  readonly repaired: Set<string>;
}

/**
 * Returns the adapter to repeat a failed call with: in another region or with new credentials. Throws the error if neither
 * helps, and opens the circuit breaker if the credentials do not work at all.
 */
export async function reconnect<Adapter extends Reconnectable<Adapter>>(
  error: ChannelError,
  adapter: Adapter,
  { limiter, onCredentialsBlocked, repaired }: ReconnectOptions,
): Promise<Adapter> {
  if (error.category === 'Authentication') {
    const fresh = repaired.has('credentials') ? undefined : await adapter.withFreshCredentials();
    repaired.add('credentials');
    if (fresh) return fresh;
    if (!error.concernsChat && (await limiter.blockCredentials())) await onCredentialsBlocked();
    throw error;
  }
  if (error.repair !== 'region' || !error.region || repaired.has('region')) throw error;
  repaired.add('region');
  return adapter.inRegion(error.region);
}
