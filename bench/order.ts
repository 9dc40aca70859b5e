/** What has become of the messages of one chat. */
export interface DeliveryCounts {
  readonly once: number;
  readonly twice: number;
  readonly missing: readonly number[];
}

export function countDeliveries(sent: readonly number[], arrived: readonly number[]): DeliveryCounts {
  const times = (number: number) => arrived.filter((one) => one === number).length;
  return {
    once: sent.filter((number) => times(number) === 1).length,
    twice: sent.filter((number) => times(number) > 1).length,
    missing: sent.filter((number) => times(number) === 0),
  };
}

/** How many messages arrived after one that should have followed them. Those of unknown place are left out. */
export function countOutOfOrder(due: readonly number[], arrived: readonly number[]): number {
  const place = new Map(due.map((number, index) => [number, index]));
  let furthest = -1;
  let overtaken = 0;
  for (const number of new Set(arrived)) {
    const at = place.get(number);
    if (at === undefined) continue;
    if (at < furthest) overtaken += 1;
    furthest = Math.max(furthest, at);
  }
  return overtaken;
}
