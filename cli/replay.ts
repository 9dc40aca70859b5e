import { createHmac } from 'node:crypto';
import pLimit from 'p-limit';
import type { Pace } from './pace.ts';
import { percentile, rounded } from './percentile.ts';
import type { RecordedBody } from './recorded.ts';
import { shuffled } from './shuffle.ts';

/** How a body proves that it comes from LiveChat. */
export type Proof =
  | { readonly kind: 'as recorded' }
  | { readonly kind: 'body secret'; readonly secret: string }
  | { readonly kind: 'signature'; readonly secret: string };

export interface Prepared {
  readonly file: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

const proven = (file: string, body: Readonly<Record<string, unknown>>, proof: Proof): Prepared => {
  const headers = { 'content-type': 'application/json' };
  if (proof.kind === 'as recorded') return { file, body: JSON.stringify(body), headers };
  if (proof.kind === 'body secret') {
    return { file, body: JSON.stringify({ ...body, secret_key: proof.secret }), headers };
  }
  const { secret_key: _, ...bare } = body;
  const text = JSON.stringify(bare);
  const signature = createHmac('sha256', proof.secret).update(text).digest('hex');
  return { file, body: text, headers: { ...headers, 'x-signature': signature } };
};

export const prepare = ({ file, body }: RecordedBody, proof: Proof, organizationId?: string): Prepared =>
  proven(file, { ...body, ...(organizationId !== undefined && { organization_id: organizationId }) }, proof);

/** Each so many times, one right after the other, or all of them in the order that the seed gives. */
export const sequence = <Item>(items: readonly Item[], repeat: number, seed?: number): Item[] => {
  const repeated = items.flatMap((item) => Array.from({ length: repeat }, () => item));
  return seed === undefined ? repeated : shuffled(repeated, seed);
};

/** The status of the answer, or why there was none. */
export type Answer = number | string;

export type Send = (prepared: Prepared) => Promise<Answer>;

export interface Outcome {
  readonly file: string;
  readonly answer: Answer;
  readonly milliseconds: number;
}

export interface Sending {
  readonly send: Send;
  readonly pace: Pace;
  readonly concurrency: number;
  readonly now: () => number;
}

export const replay = (bodies: readonly Prepared[], { send, pace, concurrency, now }: Sending): Promise<Outcome[]> => {
  const limit = pLimit(concurrency);
  const sendOne = async (prepared: Prepared): Promise<Outcome> => {
    await pace();
    const began = now();
    const answer = await send(prepared);
    return { file: prepared.file, answer, milliseconds: now() - began };
  };
  return Promise.all(bodies.map((prepared) => limit(sendOne, prepared)));
};

export interface Failure {
  readonly file: string;
  readonly status: Answer;
  readonly count: number;
}

export interface ReplaySummary {
  readonly ok: boolean;
  readonly sent: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failures: readonly Failure[];
}

const failuresOf = (outcomes: readonly Outcome[]): Failure[] => {
  const failed = outcomes.filter(({ answer }) => answer !== 200);
  const groups = Object.values(Object.groupBy(failed, ({ file, answer }) => `${file}\n${answer}`));
  return groups.flatMap((group = []) =>
    group.slice(0, 1).map(({ file, answer }) => ({ file, status: answer, count: group.length })),
  );
};

export const summarize = (outcomes: readonly Outcome[]): ReplaySummary => {
  const groups = Object.groupBy(outcomes, ({ answer }) => String(answer));
  const times = outcomes.map(({ milliseconds }) => milliseconds);
  const failures = failuresOf(outcomes);
  return {
    ok: failures.length === 0,
    sent: outcomes.length,
    byStatus: Object.fromEntries(Object.entries(groups).map(([status, group = []]) => [status, group.length])),
    p50Ms: rounded(percentile(times, 50)),
    p99Ms: rounded(percentile(times, 99)),
    failures,
  };
};
