import pLimit from 'p-limit';
import { keysUnder, readObject } from '../platform/objects.ts';

const pageSize = 8;

/**
 * Events too large for the bus in which any of these ids stands. Nothing tells what an event in the bucket is about but
 * the event, so each is read; they are few.
 */
export async function largeEvents(
  bucket: string,
  organizationIds: readonly string[],
  ids: readonly string[],
): Promise<string[]> {
  const limit = pLimit(pageSize);
  const found: string[] = [];
  for (const organizationId of organizationIds) {
    for await (const keys of keysUnder(bucket, `events/${organizationId}/`)) {
      const named = keys.map((key) =>
        limit(async () => {
          const text = await readObject({ bucket, key });
          return ids.some((id) => text.includes(id)) ? [key] : [];
        }),
      );
      found.push(...(await Promise.all(named)).flat());
    }
  }
  return found;
}
