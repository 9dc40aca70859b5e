import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { round1 } from '../cli/simulate/timing.ts';
import type { Local } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';
import {
  countDeliveries,
  countOutOfOrder,
  messageNumbers,
  putBurst,
  type QueueWatch,
  startChats,
  watchQueues,
} from './burst.ts';
import { reportProgress, waitForExecutions, withLocal } from './engine.ts';
import { readArrivedNumbers, simulatorEnvironment } from './livechat.ts';

const messages = 1_000;
/** A message of unknown outcome holds up its chat for 20 s to a minute, so that few long chats would take for ever. */
const chatCount = 200;
const spacingMs = 3_000;
const each = messages / chatCount;
const faultShare = 0.3;
const crashEveryMs = 7_000;
const crashes = 5;
/** Bounds the time: what is not there by then goes to the dead letters. */
const expiresInSeconds = 90;
/** For each phase; runs that take longer are told of, and not waited for. */
const patienceMs = 180_000;
/** A redrive of hundreds is a burst again, some of which may expire again. */
const redriveRounds = 3;

/**
 * Every way in which the simulator can fail a call to send a message. The bridge follows LiveChat to another region, so
 * that there must be two for it to be sent away again and again. A 429 slows the pace by half for some seconds: with its
 * full share of the calls it would make this take a quarter of an hour, so there are six.
 */
const kinds: readonly object[] = [
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
  /** Neither at LiveChat nor in the dead letters. */
  readonly lost: number;
  /** Runs that had not ended; their messages are among the lost. */
  readonly unended: number;
  /** At LiveChat and in the dead letters, so that a redrive might send it again. */
  readonly both: number;
  /** Messages that arrived after one that was behind them in their chat's queue. A redrive is behind all newer ones, rightly. */
  readonly outOfOrder?: number;
  readonly seconds: number;
}

/** Sends while 30 % of the calls fail and functions crash every 7 s for half a minute; then all is well, and the dead letters are redriven. */
export async function faults(): Promise<FaultsRow[]> {
  const environment = { ...simulatorEnvironment, LIVECHAT_CALLS_PER_SECOND: '100' };
  return withLocal(environment, async (local) => {
    const chats = await startChats(local, chatCount);
    await injectAll(local);
    const watch = watchQueues(local);
    const start = Date.now();
    const crashing = crash(local);
    const requested = await putBurst(local, { chats, each, spacingMs, options: { expiresInSeconds } });
    await crashing;
    reportProgress('faults: waiting until all runs have ended');
    await waitForExecutions(local, patienceMs);
    await watch.stop();
    const burst: Burst = { chats, requested, watch };
    const overtaken = await overtakenIn(local, burst);
    const before = { ...(await judge(local, 'while all fails', burst, start)), outOfOrder: overtaken };
    await outbound(local).clearFaults();
    const rows: FaultsRow[] = [before];
    for (let round = 1; round <= redriveRounds && rows.at(-1)?.inDeadLetters !== 0; round += 1) {
      rows.push(await redriven(local, burst, round));
    }
    return rows;
  });
}

async function redriven(local: Local, burst: Burst, round: number): Promise<FaultsRow> {
  const start = Date.now();
  reportProgress(`faults: ${await redriveAll(local)} dead letters redriven`);
  await waitForExecutions(local, patienceMs);
  return judge(local, `redriven, round ${round}`, burst, start);
}

async function injectAll(local: Local): Promise<void> {
  const share = faultShare / kinds.length;
  // The first fault that fits is thrown for first, and so on: the later ones see fewer calls.
  for (const [index, kind] of kinds.entries()) {
    const probability = share / (1 - index * share);
    await outbound(local).fault({ ...kind, method: 'send_event', probability });
  }
}

async function crash(local: Local): Promise<void> {
  for (let number = 1; number <= crashes; number += 1) {
    await sleep(crashEveryMs);
    const answer = await fetch(`${local.aws}/_local/kill`, { method: 'POST' });
    if (!answer.ok) throw new Error(`not killed: ${answer.status}`);
    reportProgress(`faults: crash ${number} of ${crashes}`);
  }
}

interface Burst {
  readonly chats: readonly string[];
  readonly requested: ReadonlyMap<string, number>;
  readonly watch: QueueWatch;
}

async function judge(local: Local, phase: string, { chats }: Burst, start: number): Promise<FaultsRow> {
  const seconds = round1((Date.now() - start) / 1000);
  const { body } = await local.api('/api/executions?status=RUNNING&limit=1000');
  const letters = await openLetters(local);
  const sent = Array.from({ length: each }, (_, number) => number);
  const judged = await Promise.all(
    chats.map(async (chat) => {
      const arrived = await readArrivedNumbers(local, chat);
      const dead = letters.flatMap(({ conversationId, number }) =>
        conversationId === chat && number !== undefined ? [number] : [],
      );
      const { once, twice, missing } = countDeliveries(sent, arrived);
      return {
        once,
        twice,
        dead: dead.length,
        lost: missing.filter((number) => !dead.includes(number)).length,
        both: dead.filter((number) => arrived.includes(number)).length,
      };
    }),
  );
  const total = (field: keyof (typeof judged)[number]) => judged.reduce((sum, one) => sum + one[field], 0);
  return {
    phase,
    sentOnce: total('once'),
    sentTwice: total('twice'),
    inDeadLetters: total('dead'),
    lost: total('lost'),
    unended: running.parse(body).executions.length,
    both: total('both'),
    seconds,
  };
}

async function overtakenIn(local: Local, { chats, requested, watch }: Burst): Promise<number> {
  const overtaken = await Promise.all(
    chats.map(async (chat) =>
      countOutOfOrder(messageNumbers(watch.joined(chat), requested), await readArrivedNumbers(local, chat)),
    ),
  );
  return overtaken.reduce((sum, one) => sum + one, 0);
}

const running = z.object({ executions: z.array(z.unknown()) });
const page = z.object({
  deadLetters: z.array(
    z.object({ id: z.string(), kind: z.string(), conversationId: z.string(), errorName: z.string() }),
  ),
  next: z.optional(z.string()),
});
const content = z.object({
  letter: z.object({
    state: z.object({
      detail: z.object({ data: z.object({ messages: z.array(z.object({ content: z.string() })) }) }),
    }),
  }),
});

interface OpenLetter {
  readonly id: string;
  readonly conversationId: string;
  readonly errorName: string;
  /** Of the message; undefined for a letter about something else. */
  readonly number: number | undefined;
}

async function openLetters(local: Local): Promise<OpenLetter[]> {
  const letters: OpenLetter[] = [];
  let after = '';
  do {
    const { body } = await local.api(`/api/dead-letters${after}`);
    const { deadLetters, next } = page.parse(body);
    for (const { kind, ...letter } of deadLetters) {
      letters.push({ ...letter, number: kind === 'send' ? await numberOf(local, letter.id) : undefined });
    }
    after = next === undefined ? '' : `?after=${encodeURIComponent(next)}`;
  } while (after);
  return letters;
}

async function numberOf(local: Local, id: string): Promise<number | undefined> {
  const { body } = await local.api(`/api/dead-letters/${encodeURIComponent(id)}`);
  const text = content.safeParse(body).data?.letter.state.detail.data.messages[0]?.content;
  return text === undefined ? undefined : Number(text.split(' ')[1]);
}

async function redriveAll(local: Local): Promise<number> {
  const letters = await openLetters(local);
  const errors = Object.groupBy(letters, ({ errorName }) => errorName);
  for (const [name, of] of Object.entries(errors)) reportProgress(`faults: ${of?.length} dead letters with ${name}`);
  for (const { id } of letters) {
    const answer = await fetch(new URL(`/api/dead-letters/${encodeURIComponent(id)}/redrive`, local.console), {
      method: 'POST',
    });
    if (!answer.ok) throw new Error(`not redriven: ${answer.status} ${await answer.text()}`);
  }
  return letters.length;
}
