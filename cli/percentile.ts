/** The smallest value that at least so many percent of all do not exceed (nearest rank); 0 when there is none. */
export const percentile = (values: readonly number[], percent: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return sorted[rank - 1] ?? 0;
};

export const rounded = (milliseconds: number): number => Math.round(milliseconds * 10) / 10;
