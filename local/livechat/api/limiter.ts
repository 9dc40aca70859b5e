const windowMs = 1000;

export interface Limiter {
  /** Whether one more call fits into the second that ends now. A call that does not fit takes no place. */
  readonly admit: (perSecond: number | null) => boolean;
}

export const createLimiter = (now: () => number): Limiter => {
  const admitted: number[] = [];

  const admit = (perSecond: number | null): boolean => {
    if (perSecond === null) return true;
    const at = now();
    while (admitted[0] !== undefined && admitted[0] <= at - windowMs) admitted.shift();
    if (admitted.length >= perSecond) return false;
    admitted.push(at);
    return true;
  };

  return { admit };
};
