import { Deferred, RequestExpired } from './errors.ts';
import { isCallFailure } from './failure.ts';

/** What an attempt did beside sending, in this order. */
export type Did = 'resumed' | 'appended' | 'joined' | 'took over' | 'followed' | 'new credentials';

/**
 * One attempt to send a part, as its delivery keeps it. Without an outcome it is under way, or its function ended without
 * a word. An attempt that was deferred before anything failed is none. Times are ms since 1970.
 */
export interface Try extends Partial<TryEnd> {
  readonly began: number;
  /** The execution's ARN. */
  readonly run: string;
  /** Of the redrive that it belonged to; left out for the first run. */
  readonly redrive?: number;
  readonly redrivenAt?: number;
}

export interface TryEnd {
  readonly ended: number;
  /** `found`: an earlier attempt had arrived, so nothing was sent. */
  readonly outcome: 'sent' | 'found' | 'failed';
  /** The error's name, and what the carrier said in its codes; never its texts. */
  readonly error?: string;
  readonly cause?: string;
  readonly did?: readonly Did[];
}

/** The latest attempts, oldest first, and how many earlier ones are not kept any more. */
export interface Tries {
  readonly tries: readonly Try[];
  readonly untold?: number;
}

/** A delivery is one item, whose size is paid for at every write. */
export const mostTries = 20;

interface Began {
  readonly now: number;
  readonly run: string;
  readonly redrive: number;
  readonly redrivenAt?: number | undefined;
}

/** The attempt that a claim begins. */
export function tryOf({ now, run, redrive, redrivenAt }: Began): Try {
  const redriven = redrive > 0 && { redrive, ...(redrivenAt !== undefined && { redrivenAt }) };
  return { began: now, run, ...redriven };
}

/** The attempts once the latest has ended; without an end it does not count. */
export function triesAfter(
  before: { [Field in keyof Tries]?: Tries[Field] | undefined } | undefined,
  latest: Try,
  end: TryEnd | undefined,
): Tries {
  const all = [...(before?.tries ?? []), ...(end ? [{ ...latest, ...end }] : [])];
  const tries = all.slice(-mostTries);
  const untold = (before?.untold ?? 0) + all.length - tries.length;
  return { tries, ...(untold > 0 && { untold }) };
}

/** How an attempt failed; undefined where it was put off, or came too late, before anything had failed. */
export function failureOf(error: unknown): Pick<TryEnd, 'error' | 'cause'> | undefined {
  if (error instanceof Deferred || error instanceof RequestExpired) {
    return error.cause === undefined ? undefined : failureOf(error.cause);
  }
  if (!(error instanceof Error)) return { error: typeof error };
  const cause = isCallFailure(error) ? codesOf(error) : '';
  return { error: error.name, ...(cause && { cause }) };
}

const longestCause = 80;

function codesOf({ status, type, cause }: { status: number | undefined; type: string | undefined; cause?: unknown }) {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  return [status, type, code]
    .filter((one) => one !== undefined)
    .join(' ')
    .slice(0, longestCause);
}
