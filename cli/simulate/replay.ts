import { type Command, Option } from 'commander';
import * as z from 'zod/mini';
import { plainCommand } from '../command.ts';
import { UsageError } from '../errors.ts';
import { address, flag, parseOptions, positiveNumber, wholeNumber } from '../options.ts';
import { colours, print, printJson } from '../output.ts';
import { createPace, systemClock } from '../pace.ts';
import { sendTo } from '../post.ts';
import { withProgress } from '../progress.ts';
import { readRecorded } from '../recorded.ts';
import { type Failure, type Proof, prepare, type ReplaySummary, replay, sequence, summarize } from '../replay.ts';

const seedOrPath = 'left without a seed at the end of the line, or given a whole number as its seed';

const replayOptions = z.object({
  url: address,
  secret: z.optional(z.string()),
  signature: flag,
  organization: z.optional(z.guid('a UUID')),
  repeat: wholeNumber(1),
  shuffle: z.optional(
    z.union(
      [z.literal(true), z.coerce.number().check(z.refine((value) => Number.isSafeInteger(value) && value >= 0))],
      seedOrPath,
    ),
  ),
  rate: z.optional(positiveNumber),
  concurrency: wholeNumber(1),
  json: flag,
});

type ReplayOptions = z.infer<typeof replayOptions>;

const proofOf = ({ secret, signature }: ReplayOptions): Proof => {
  if (secret) return { kind: signature ? 'signature' : 'body secret', secret };
  if (!signature) return { kind: 'as recorded' };
  throw new UsageError('--signature needs a secret to sign with: give --secret or LIVECHAT_WEBHOOK_SECRET.');
};

const newSeed = (): number => Math.floor(Math.random() * 2 ** 31);

const seedOf = ({ shuffle }: ReplayOptions): number | undefined => (shuffle === true ? newSeed() : shuffle);

const printFailure = ({ file, status, count }: Failure): void =>
  print(colours.red(`  ${file}: ${status}${count > 1 ? ` (${count} times)` : ''}`));

const printSummary = ({ sent, byStatus, p50Ms, p99Ms, failures }: ReplaySummary): void => {
  const statuses = Object.entries(byStatus).map(([status, count]) => `${count} × ${status}`);
  print(`${sent} sent: ${statuses.join(', ')}; p50 ${p50Ms} ms, p99 ${p99Ms} ms`);
  if (failures.length > 0) print(colours.red('Not answered with 200:'));
  failures.forEach(printFailure);
};

const run = async (paths: readonly string[], options: ReplayOptions): Promise<void> => {
  const proof = proofOf(options);
  const seed = seedOf(options);
  const recorded = await readRecorded(paths);
  const prepared = recorded.map((body) => prepare(body, proof, options.organization));
  if (seed !== undefined && !options.json) print(`Shuffled with seed ${seed}`);
  const bodies = sequence(prepared, options.repeat, seed);
  const send = sendTo(options.url);
  const outcomes = await withProgress('Sending', bodies.length, ({ step }) =>
    replay(bodies, {
      send: (body) => send(body).finally(step),
      pace: createPace(options.rate, systemClock),
      concurrency: options.concurrency,
      now: systemClock.now,
    }),
  );
  const summary = summarize(outcomes);
  if (!summary.ok) process.exitCode = 1;
  if (options.json) printJson({ ...summary, ...(seed !== undefined && { seed }) });
  else printSummary(summary);
};

export const replayCommand = (): Command =>
  plainCommand('replay', {
    description: 'Sends recorded webhook bodies to any address. Fails if any answer is not 200.',
    examples: [
      'simulate replay test/fixtures/livechat',
      'simulate replay test/fixtures/livechat --repeat 3 --shuffle 42 --concurrency 20',
      'simulate replay body.json --signature --url https://example.com/livechat/webhook',
    ],
  })
    .argument('<path...>', 'files, or folders: a file ORDER in a folder names what is sent, else every *.json by name')
    .option('--url <address>', 'where to send them', 'http://localhost:3000/livechat/webhook')
    .addOption(
      new Option('--secret <secret>', 'the webhook secret, in the place of the recorded one').env(
        'LIVECHAT_WEBHOOK_SECRET',
      ),
    )
    .option('--signature', 'sign with the secret (X-Signature) instead of carrying it in the body')
    .option('--organization <uuid>', 'the organization_id, in the place of the recorded one')
    .option('--repeat <number>', 'send each so many times, one right after the other', '1')
    .option('--shuffle [seed]', 'in an order that depends on the seed alone; without a seed, one is taken and shown')
    .option('--rate <per-second>', 'at most so many a second')
    .option('--concurrency <number>', 'how many at the same time; above 1 the order is not kept', '1')
    .action((paths: string[], options: unknown) => run(paths, parseOptions(replayOptions, options)));
