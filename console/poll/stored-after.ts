import * as z from 'zod/mini';

const times = z.object({ receivedAt: z.string(), storedAt: z.string() });

/** How long after its webhook was received a message was stored, in ms; undefined for one that was stored without these times. */
export function storedAfter(message: unknown): number | undefined {
  const { receivedAt, storedAt } = times.safeParse(message).data ?? {};
  if (receivedAt === undefined || storedAt === undefined) return undefined;
  const ms = Date.parse(storedAt) - Date.parse(receivedAt);
  return ms >= 0 ? ms : undefined;
}
