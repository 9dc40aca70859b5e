import { channels } from '../core/channels.ts';

/** An HTTP route that a channel calls with its webhooks. */
export interface RouteSpec {
  readonly method: 'POST';
  readonly path: string;
  readonly function: string;
}

const route = ({ path, function: name }: Omit<RouteSpec, 'method'>): RouteSpec => ({
  method: 'POST',
  path,
  function: name,
});

/** The route of LiveChat. */
export const webhookRoute = route(channels.livechat.webhook);

/** The routes of all channels. */
export const webhookRoutes: readonly RouteSpec[] = Object.values(channels).map((channel) => route(channel.webhook));

/**
 * The limit of each route. LiveChat retries a throttled call three times within a minute, then drops it. The default is far
 * above normal traffic and protects the other functions of the account from a flood. API Gateway allows an account bursts of
 * 5,000 requests by default.
 */
export const webhookThrottle = { perSecond: 3_000, maxDefaultBurst: 5_000 } as const;
