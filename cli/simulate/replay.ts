import { createHmac, hash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import * as z from 'zod/mini';
import type { ReplayOptions } from '../commands/simulate.ts';
import { CliError, describeCause, exitCodes, UsageError } from '../errors.ts';
import { readJson, readText } from '../files.ts';
import { colours, print, printJson } from '../output.ts';
import { withProgress } from '../prompts.ts';
import { createThrottle, latency } from './timing.ts';

/** Sends recorded webhook bodies to an address and prints a summary. */
export const simulateReplay = async (paths: readonly string[], options: ReplayOptions): Promise<void> => {
  if (options.signature && !options.secret) {
    throw new UsageError('--signature needs a secret: pass --secret or set LIVECHAT_WEBHOOK_SECRET.');
  }
  const seed = options.shuffle === true ? Math.floor(Math.random() * 2 ** 31) : options.shuffle;
  const recorded = await readRecordedBodies(paths);
  const requests = recorded.map((body) => buildRequest(body, options));
  if (seed !== undefined && !options.json) print(`Shuffled with seed ${seed}`);
  const ordered = orderRequests(requests, options.repeat, seed);
  const results = await withProgress('Sending', ordered.length, ({ step }) =>
    replay(ordered, {
      send: (request) => post(options.url, request).finally(step),
      throttle: createThrottle(options.rate),
      concurrency: options.concurrency,
      now: () => performance.now(),
    }),
  );
  const summary = summarize(results);
  if (!summary.ok) process.exitCode = exitCodes.failure;
  if (options.json) printJson({ ...summary, ...(seed !== undefined && { seed }) });
  else printSummary(summary);
};

export interface RecordedBody {
  readonly file: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * Reads webhook bodies from files and folders, in the given order. The file ORDER of a folder lists its files, one a line.
 * Without it, all .json files are read, sorted by name.
 *
 * @throws CliError that names the file
 */
export const readRecordedBodies = async (paths: readonly string[]): Promise<RecordedBody[]> => {
  const files = await Promise.all(paths.map(listFiles));
  return Promise.all(files.flat().map(readBody));
};

const listFiles = async (path: string): Promise<string[]> => {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new CliError(`File or folder ${path} not found.`);
  if (!found.isDirectory()) return [path];
  const all = await readdir(path);
  const names = all.includes('ORDER')
    ? (await readText(join(path, 'ORDER'))).split('\n').flatMap((line) => line.trim() || [])
    : all.filter((name) => name.endsWith('.json')).sort();
  if (names.length === 0) throw new CliError(`The folder ${path} has no .json file to send.`);
  return names.map((name) => join(path, name));
};

const jsonObject = z.record(z.string(), z.unknown());

const readBody = async (file: string): Promise<RecordedBody> => ({
  file,
  body: await readJson(file, jsonObject, 'a JSON object, the body of a webhook'),
});

export interface ReplayRequest {
  readonly file: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Signs the body or puts the secret into it; without a secret, sends it as recorded. */
export const buildRequest = (
  { file, body: recorded }: RecordedBody,
  { secret, signature, organization }: { secret?: string; signature?: boolean; organization?: string },
): ReplayRequest => {
  const headers = { 'content-type': 'application/json' };
  const body: RecordedBody['body'] = { ...recorded, ...(organization && { organization_id: organization }) };
  if (!secret) return { file, body: JSON.stringify(body), headers };
  if (!signature) return { file, body: JSON.stringify({ ...body, secret_key: secret }), headers };
  const { secret_key: _, ...unsigned } = body;
  const text = JSON.stringify(unsigned);
  const digest = createHmac('sha256', secret).update(text).digest('hex');
  return { file, body: text, headers: { ...headers, 'x-signature': digest } };
};

/** Repeats each item in a row, or shuffles all repetitions if there is a seed. */
export const orderRequests = <Item>(items: readonly Item[], repeat: number, seed?: number): Item[] => {
  const repeated = items.flatMap((item) => Array.from({ length: repeat }, () => item));
  return seed === undefined ? repeated : shuffle(repeated, seed);
};

/** Returns the same order for the same seed and list on every machine. */
export const shuffle = <Item>(items: readonly Item[], seed: number): Item[] =>
  items
    .map((item, index) => ({ item, key: hash('sha256', `${seed} ${index}`) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ item }) => item);

/** The response status, or why there was no response. */
export type ReplayStatus = number | string;

export const replay = (
  requests: readonly ReplayRequest[],
  options: {
    readonly send: (request: ReplayRequest) => Promise<ReplayStatus>;
    readonly throttle: () => Promise<void>;
    readonly concurrency: number;
    readonly now: () => number;
  },
) => {
  const limit = pLimit(options.concurrency);
  const sendOne = async (request: ReplayRequest) => {
    await options.throttle();
    const start = options.now();
    const status = await options.send(request);
    return { file: request.file, status, milliseconds: options.now() - start };
  };
  return Promise.all(requests.map((request) => limit(sendOne, request)));
};

/** LiveChat's timeout for a webhook. */
const timeoutMs = 10_000;

const post = async (url: string, { body, headers }: ReplayRequest): Promise<ReplayStatus> => {
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(url, { method: 'POST', body, headers, redirect: 'manual', signal });
    await response.arrayBuffer();
    return response.status;
  } catch (error) {
    return describeCause(error);
  }
};

export const summarize = (results: Awaited<ReturnType<typeof replay>>) => {
  const byStatus = Map.groupBy(results, ({ status }) => status);
  const failed = results.filter(({ status }) => status !== 200);
  const failures = [...Map.groupBy(failed, ({ file, status }) => `${file}: ${status}`).values()].flatMap((group) =>
    group.slice(0, 1).map(({ file, status }) => ({ file, status, count: group.length })),
  );
  return {
    ok: failures.length === 0,
    sent: results.length,
    byStatus: Object.fromEntries([...byStatus].map(([status, group]) => [status, group.length])),
    ...latency(results.map(({ milliseconds }) => milliseconds)),
    failures,
    ...(byStatus.has(401) && { advice: unauthorized }),
  };
};

const unauthorized =
  '401: the webhook secret is wrong, or the bridge has no secret for the organization_id of the bodies. Pass the correct secret with --secret or LIVECHAT_WEBHOOK_SECRET. On this machine, npm start prints the secret, or reads it from its environment. On a stage, it is LIVECHAT_WEBHOOK_SECRET in the Secrets Manager secret livechat/default or livechat/<organization> (livechat/<stage>/… outside production).';

/** More would hide the advice. */
const maxListed = 10;

const printSummary = ({ sent, byStatus, p50Ms, p99Ms, failures, advice }: ReturnType<typeof summarize>): void => {
  const statuses = Object.entries(byStatus).map(([status, count]) => `${count} × ${status}`);
  print(`${sent} sent: ${statuses.join(', ')}; p50 ${p50Ms} ms, p99 ${p99Ms} ms`);
  if (failures.length > 0) print(colours.red('Status other than 200:'));
  for (const { file, status, count } of failures.slice(0, maxListed)) {
    print(colours.red(`  ${file}: ${status}${count > 1 ? ` (${count} times)` : ''}`));
  }
  if (failures.length > maxListed) print(colours.red(`  and ${failures.length - maxListed} more, see --json`));
  if (advice !== undefined) print(advice);
};
