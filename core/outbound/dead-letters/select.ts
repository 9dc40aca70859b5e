import pLimit from 'p-limit';
import { NotRedriven, redrive } from './redrive.ts';
import { type Archived, list } from './store.ts';

/** Which letters are meant; what is left out does not matter. */
export interface LetterFilter {
  readonly kind?: Archived['kind'] | undefined;
  /** The error's name. */
  readonly error?: string | undefined;
  readonly organization?: string | undefined;
  readonly conversation?: string | undefined;
  readonly request?: string | undefined;
  /** Only letters that were kept no longer ago than this, in ms. */
  readonly maxAgeMs?: number | undefined;
}

export function matches(letter: Archived, filter: LetterFilter, now: number): boolean {
  const { kind, error, organization, conversation, request, maxAgeMs } = filter;
  const wanted = [
    [kind, letter.kind],
    [error, letter.errorName],
    [organization, letter.organizationId],
    [conversation, letter.conversationId],
    [request, letter.requestId],
  ];
  const young = maxAgeMs === undefined || Date.parse(letter.createdAt) >= now - maxAgeMs;
  return young && wanted.every(([want, is]) => want === undefined || want === is);
}

const pageSize = 200;

/** The letters of one status that a filter means, newest first, at most `limit`. */
export async function select(
  status: Archived['status'],
  filter: LetterFilter,
  { limit, now }: { limit: number; now: number },
): Promise<Archived[]> {
  const found: Archived[] = [];
  let from: string | null = null;
  do {
    const { letters, next }: Awaited<ReturnType<typeof list>> = await list(status, { limit: pageSize, from });
    found.push(...letters.filter((letter) => matches(letter, filter, now)));
    // The rest is older still.
    const tooOld = filter.maxAgeMs !== undefined && Date.parse(letters.at(-1)?.createdAt ?? '') < now - filter.maxAgeMs;
    from = tooOld || found.length >= limit ? null : (next ?? null);
  } while (from !== null);
  return found.slice(0, limit);
}

export interface Redriven {
  readonly id: string;
  /** Why it was not redriven. */
  readonly refused?: string;
}

const atOnce = 5;

/** Redrives letters, oldest first and a few at a time; one that cannot be redriven does not keep the others back. */
export function redriveAll(
  letters: readonly Archived[],
  now: () => number,
  onDone: (done: Redriven) => void,
): Promise<Redriven[]> {
  const limit = pLimit(atOnce);
  return Promise.all(
    letters.toReversed().map(({ id }) =>
      limit(async () => {
        const done = await tried(id, now());
        onDone(done);
        return done;
      }),
    ),
  );
}

async function tried(id: string, now: number): Promise<Redriven> {
  try {
    await redrive(id, now);
    return { id };
  } catch (error) {
    if (error instanceof NotRedriven) return { id, refused: error.message };
    throw error;
  }
}
