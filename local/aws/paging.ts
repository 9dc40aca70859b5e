import { AwsError } from './answers.ts';

/** AWS's default page, and the largest. */
const defaultSize = 100;
const largestSize = 1_000;

/**
 * One page of a list. `positionOf` grows along the list and stays the same for an item, so that a token still says
 * where to go on when something was added in front.
 *
 * @throws AwsError InvalidToken
 */
export function paged<Item>(
  items: readonly Item[],
  { maxResults, nextToken }: { readonly maxResults?: number | undefined; readonly nextToken?: string | undefined },
  positionOf: (item: Item) => number,
): { readonly items: readonly Item[]; readonly nextToken?: string } {
  const size = Math.min(maxResults || defaultSize, largestSize);
  const after = nextToken === undefined ? Number.NEGATIVE_INFINITY : Number(nextToken);
  if (Number.isNaN(after)) throw new AwsError('InvalidToken', `Invalid Token: '${nextToken}'`);
  const rest = items.filter((item) => positionOf(item) > after);
  const page = rest.slice(0, size);
  const last = page.at(-1);
  return rest.length > size && last !== undefined
    ? { items: page, nextToken: String(positionOf(last)) }
    : { items: page };
}
