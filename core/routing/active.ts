import { Entity } from 'electrodb';
import { wholeNumber } from '../platform/configuration.ts';
import { keys, number, tableIn, text } from '../platform/dynamodb.ts';

/**
 * Which version of an organization's rules is active, and whether its threads may wait for a message. Apart from the rules, so
 * that the function that stores messages does not load them.
 */
const createEntity = () =>
  new Entity(
    {
      model: { entity: 'activeRules', version: '1', service: 'livechat' },
      attributes: {
        organizationId: text,
        version: number,
        /** Whether a rule needs the customer's first message. */
        testsMessage: { type: 'boolean' },
        /** Until when threads may still wait for a message under earlier rules; ms since 1970. */
        waitingUntil: { type: 'number' },
      },
      indexes: { primary: keys(['organizationId'], []) },
    },
    tableIn('CONVERSATIONS_TABLE'),
  );

let created: ReturnType<typeof createEntity> | undefined;

/** Created on first use, to keep the cold start short. */
export function activeVersion() {
  created ??= createEntity();
  return created;
}

export const cacheSeconds = () => wholeNumber('ROUTING_CACHE_SECONDS', 60);
const maxCachedOrganizations = 5_000;

/** Caches what is read of an organization for ROUTING_CACHE_SECONDS. */
export function cacheByOrganization<T>(read: (organizationId: string) => Promise<T>) {
  const ttlMs = cacheSeconds() * 1000;
  const cache = new Map<string, { readonly value: T; readonly until: number }>();
  return async (organizationId: string): Promise<T> => {
    const cached = cache.get(organizationId);
    if (cached && cached.until > Date.now()) return cached.value;
    const value = await read(organizationId);
    if (cache.size > maxCachedOrganizations) cache.clear();
    cache.set(organizationId, { value, until: Date.now() + ttlMs });
    return value;
  };
}

/** Whether a thread of an organization may wait for a message, under the active rules or recently active ones. Cached. */
export function cachedMayWait(): (organizationId: string) => Promise<boolean> {
  const waitingUntil = cacheByOrganization(async (organizationId) => {
    const { data } = await activeVersion().get({ organizationId }).go({ consistent: true });
    return data?.testsMessage ? Number.POSITIVE_INFINITY : (data?.waitingUntil ?? 0);
  });
  return async (organizationId) => Date.now() < (await waitingUntil(organizationId));
}
