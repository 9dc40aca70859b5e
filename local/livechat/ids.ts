/** Where ids and times come from: given in, so that a test can set them. */
export interface Source {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly uuid: () => string;
  /** The id of a chat or a thread: `T` and nine base-36 digits that count upwards with time. */
  readonly nextId: () => string;
}

const idsPerMillisecond = 36;

export const createSource = (now: () => number = Date.now, uuid: () => string = () => crypto.randomUUID()): Source => {
  let last = 0;
  const nextId = () => {
    // Thirty-six a millisecond fill nine digits until 2059; a faster caller runs ahead of the clock and stays unique.
    last = Math.max(last + 1, now() * idsPerMillisecond);
    return `T${last.toString(36).toUpperCase().padStart(9, '0')}`;
  };
  return { now, uuid, nextId };
};

/** RFC 3339 in UTC with microseconds, as LiveChat writes times. */
export const toTimestamp = (microseconds: number): string => {
  const milliseconds = Math.floor(microseconds / 1000);
  const rest = String(microseconds % 1000).padStart(3, '0');
  return new Date(milliseconds).toISOString().replace('Z', `${rest}Z`);
};
