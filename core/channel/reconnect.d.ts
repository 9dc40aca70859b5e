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
    /** What has been repaired: each is tried once. */
    readonly repaired: Set<'region' | 'credentials'>;
}
/**
 * Returns the adapter to repeat a failed call with: in another region or with new credentials. Throws the error if neither
 * helps, and opens the circuit breaker if the credentials do not work at all.
 */
export declare function reconnect<Adapter extends Reconnectable<Adapter>>(error: ChannelError, adapter: Adapter, { limiter, onCredentialsBlocked, repaired }: ReconnectOptions): Promise<Adapter>;
