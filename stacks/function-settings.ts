import { callsPerSecondSetting } from '../core/channel/spec.ts';
import { channels } from '../core/channels.ts';

// The settings of the functions: part of topology.ts.

const callsPerSecond = Object.keys(channels).map((carrier) => callsPerSecondSetting(carrier).name);

/** The settings that are whole numbers, with the least value that the functions accept. */
export const minimums: ReadonlyMap<string, number> = new Map([
  ['WEBHOOK_MAX_BYTES', 1],
  ['EVENT_MAX_BYTES', 1_000],
  ['SECRET_CACHE_SECONDS', 0],
  ['SECRET_LOOKUPS_PER_SECOND', 1],
  ['CONVERSATIONS_RETENTION_DAYS', 1],
  ['MESSAGES_RETENTION_DAYS', 1],
  ['MEDIA_MAX_BYTES', 1],
  ['ROUTING_SHARE_PERCENT', 1],
  ['RECONCILIATION_SHARE_PERCENT', 1],
  ['ROUTING_CACHE_SECONDS', 0],
  ...callsPerSecond.map((name): [string, number] => [name, 1]),
]);

/** Settings of the functions. Those in the environment of the deployment are copied to every function. */
export const settings: readonly string[] = [
  'LOG_LEVEL',
  'MEDIA_HOSTS',
  'MEDIA_OUTBOUND_HOSTS',
  ...minimums.keys(),
  ...Object.values(channels).flatMap(({ settings: own }) => own),
];
