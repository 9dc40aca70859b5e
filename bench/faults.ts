import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { round1 } from '../cli/simulate/timing.ts';
import { executionName } from '../core/outbound/request.ts';
import { type Local, organizationId } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';
import { countArrivals, countOutOfOrder, putBurst, type RequestedNumbers, startChats } from './burst.ts';
import { reportProgress, waitForExecutions, withCapacity } from './engine.ts';

const chatCount = 20;
const each = 15;
const spacingMs = 1_000;
const faultShare = 0.3;
const crashEveryMs = 7_000;
const crashes = 5;
/** Limits the time, and gives dead letters to redrive. A message of unknown outcome blocks its chat for 20 s to a minute. */
const expiresInSeconds = 90;
/** Of each phase. Executions that take longer are reported. */
const maxPhaseMs = 240_000;
/** A redriven message may expire again behind others. */
const maxRedriveRounds = 4;

/**
 * Every way in which the simulator can fail a call that sends a message. The bridge follows LiveChat to another region, so
 * two regions redirect it again and again. A 429 slows the pace for some seconds: with its full share of the calls, this
 * would take a quarter of an hour, so there are six.
 */
const faultKinds: readonly object[] = [
  { kind: 'error', status: 500 },
  { kind: 'error', status: 429, retryAfterSeconds: 1, count: 6 },
  { kind: 'latency', latencyMs: 2_000 },
  { kind: 'accept-then-error' },
  { kind: 'accept-then-reset' },
  { kind: 'accept-then-hang' },
  { kind: 'accept-late' },
  { kind: 'reset-before-accept' },
  { kind: 'chat-inactive' },
  { kind: 'misdirected', region: 'fra' },
  { kind: 'misdirected', region: 'dal' },
];

export interface FaultsRow {
  readonly phase: string;
  readonly sentOnce: number;
  readonly sentTwice: number;
  readonly inDeadLetters: number;
  /** Neither at LiveChat nor in an open dead letter. */
  readonly lost: number;
  /** Executions that had not ended; their messages are among the lost. */
  readonly running: number;
  /** At LiveChat and in an open dead letter, so that a redrive might send it again. */
  readonly both: number;
  /** Messages that arrived after one of their chat that was accepted later. A redrive has a new order. */
  readonly outOfOrder?: number;
  /** Dead letters that are marked as redriven, and those of them whose execution does not exist. */
  readonly redriven: number;
  readonly withoutExecution: number;
  readonly seconds: number;
}

/**
 * Sends 300 messages of 20 chats while 30 % of the calls fail and the functions crash every 7 s for half a minute. Then the
 * faults end, and every dead letter is redriven.
 */
export async function faults(): Promise<FaultsRow[]> {
  return withCapacity(100, async (local, capacity) => {
    const chats = await startChats(local, chatCount);
    await injectAll(local);
    const start = Date.now();
    const crashing = crash(local);
    const requested = await putBurst(local, { chats, each, spacingMs, options: { expiresInSeconds } });
    await crashing;
    reportProgress('faults: waiting until all executions have ended');
    await waitForExecutions(local, maxPhaseMs);
    const burst = { chats, requested };
    const during = await evaluate(local, 'during the faults', burst, start);
    const rows: FaultsRow[] = [
      { ...during, outOfOrder: await countOutOfOrder(local, chats, requested, capacity.read()) },
    ];
    await outbound(local).clearFaults();
    for (let round = 1; round <= maxRedriveRounds && rows.at(-1)?.inDeadLetters !== 0; round += 1) {
      const redriveStart = Date.now();
      reportProgress(`faults: ${await redriveAll(local)} dead letters redriven`);
      await waitForExecutions(local, maxPhaseMs);
      rows.push(await evaluate(local, `redrive ${round}`, burst, redriveStart));
    }
    return rows;
  });
}

async function injectAll(local: Local): Promise<void> {
  const share = faultShare / faultKinds.length;
  // The simulator tries the faults in this order, so the later ones see fewer calls.
  for (const [index, kind] of faultKinds.entries()) {
    const probability = share / (1 - index * share);
    await outbound(local).fault({ ...kind, method: 'send_event', probability });
  }
}

async function crash(local: Local): Promise<void> {
  for (let number = 1; number <= crashes; number += 1) {
    await sleep(crashEveryMs);
    const answer = await fetch(`${local.aws}/_local/kill`, { method: 'POST' });
    if (!answer.ok) throw new Error(`the functions were not killed: ${answer.status}`);
    reportProgress(`faults: crash ${number} of ${crashes}`);
  }
}

type Burst = { readonly chats: readonly string[]; readonly requested: RequestedNumbers };

async function evaluate(local: Local, phase: string, { chats, requested }: Burst, start: number): Promise<FaultsRow> {
  const seconds = round1((Date.now() - start) / 1000);
  const executions = await listExecutions(local);
  const [open, redriven] = await Promise.all([listDeadLetters(local, 'open'), listDeadLetters(local, 'redriven')]);
  const names = new Set(executions.map(({ name }) => name));
  /** The execution that a redrive starts. That of an event that no function accepted is the first. */
  const nextName = ({ kind, requestId, redrives }: DeadLetter) =>
    executionName({ organizationId, requestId, redrive: kind === 'send' ? redrives + 1 : 0 });
  const { once, twice, undelivered } = await countArrivals(local, { chats, each });
  const dead = new Set(
    open.flatMap(({ conversationId, requestId }) => {
      const number = requested.get(requestId);
      return number === undefined ? [] : [`${conversationId} ${number}`];
    }),
  );
  const missing = [...undelivered].flatMap(([chat, numbers]) => [...numbers].map((number) => `${chat} ${number}`));
  const lost = missing.filter((message) => !dead.has(message)).length;
  return {
    phase,
    sentOnce: once,
    sentTwice: twice,
    inDeadLetters: dead.size,
    lost,
    both: dead.size - (missing.length - lost),
    running: executions.filter(({ status }) => status === 'RUNNING').length,
    redriven: redriven.length,
    withoutExecution: redriven.filter((deadLetter) => deadLetter.requestId && !names.has(nextName(deadLetter))).length,
    seconds,
  };
}

const executionPage = z.object({ executions: z.array(z.looseObject({ name: z.string(), status: z.string() })) });
const deadLetter = z.object({
  id: z.string(),
  kind: z.string(),
  conversationId: z.string(),
  requestId: z.string(),
  errorName: z.string(),
  redrives: z.number(),
});
type DeadLetter = z.infer<typeof deadLetter>;
const deadLetterPage = z.object({ deadLetters: z.array(deadLetter) });

const listExecutions = async (local: Local) =>
  executionPage.parse((await local.api('/api/executions?limit=1000')).body).executions;

const listDeadLetters = async (local: Local, status: 'open' | 'redriven') =>
  deadLetterPage.parse((await local.api(`/api/dead-letters?status=${status}&limit=500`)).body).deadLetters;

/** Redrives every open dead letter, also those that no redrive helps while the cause lasts: here it has been removed. */
async function redriveAll(local: Local): Promise<number> {
  const deadLetters = await listDeadLetters(local, 'open');
  const errors = Object.groupBy(deadLetters, ({ kind, errorName }) => `${errorName} (${kind})`);
  for (const [name, of] of Object.entries(errors)) reportProgress(`faults: ${of?.length} dead letters with ${name}`);
  for (const { id } of deadLetters) {
    const status = await outbound(local).redrive(id, { force: true });
    if (status !== 200) throw new Error(`not redriven: ${status}`);
  }
  return deadLetters.length;
}
