import * as z from 'zod/mini';

/** LiveChat's regions: formerly `dal` and `fra`, now such as `us-south1`. */
const region = z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,31}$/i));
const naming = z.looseObject({ region });

export function isRegion(text: string): boolean {
  return region.safeParse(text).success;
}

/** The region that the `data` of a `misdirected_request` names. */
export function regionOf(data: unknown): string | undefined {
  return naming.safeParse(data).data?.region;
}
