import { functions } from '../stacks/topology.ts';
import type { Local } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';
import { round2 } from './cold-start.ts';
import { type AwsUsage, countAwsCalls } from './count.ts';
import { clearCallLog, readCallCounts, setWebhooks } from './livechat.ts';
import { billedSeconds, liveChatSeconds, price, writeUnitsOfState } from './prices.ts';
import { settled } from './with-local.ts';

/** For each message that is sent; averages. */
export interface SendRow {
  readonly message: string;
  readonly writes: number;
  readonly reads: number;
  readonly transitions: number;
  readonly invocations: number;
  /** The sender's own, which puts the request on the bus, included. */
  readonly putEvents: number;
  readonly liveChatCalls: number;
  /** List prices in us-east-1, US dollars for a million such messages. */
  readonly awsPerMillion?: number;
  readonly liveChatPerMillion?: number;
}

type Counts = Omit<AwsUsage, 'invocationsOf'> & { readonly calls: number; readonly accepted: number };

const happy = 50;
/** More, since the faults come by chance. */
const faulty = 300;
const faultShare = 0.05;

/**
 * Counts what sending a message costs, one at a time: with LiveChat's webhooks switched off, and what its echo costs on
 * top: the difference when they are on.
 */
export async function ledgerOfSending(local: Local): Promise<SendRow[]> {
  const { chat, fault, clearFaults } = outbound(local);
  const conversation = await chat();
  await sendOne(local, conversation);
  await setWebhooks(local, false);
  const sending = await perMessage(local, conversation, happy);
  await setWebhooks(local, true);
  const withEcho = await perMessage(local, conversation, happy);
  await setWebhooks(local, false);
  await fault({ kind: 'error', status: 500, probability: faultShare });
  const failing = await perMessage(local, conversation, faulty);
  await clearFaults();
  await setWebhooks(local, true);
  const aim = { writes: 5, reads: 1, transitions: 1, invocations: 1, putEvents: 2, liveChatCalls: 1 };
  return [
    rowOf('sent', sending, 1),
    { message: '(the aim)', ...aim },
    rowOf('its echo', difference(withEcho, sending), writeUnitsOfState, price.request),
    rowOf(`sent, ${faultShare * 100} % of calls answered 500`, failing, 1),
  ];
}

async function perMessage(local: Local, conversation: string, messages: number): Promise<Counts> {
  await clearCallLog(local);
  const { invocationsOf: _, ...counted } = await countAwsCalls(local, async () => {
    for (let sent = 0; sent < messages; sent += 1) await sendOne(local, conversation);
  });
  const { calls, accepted } = await readCallCounts(local);
  return each({ ...counted, calls, accepted }, (count) => count / messages);
}

async function sendOne(local: Local, conversation: string): Promise<void> {
  await outbound(local).send(conversation);
  await settled(local);
}

function difference(more: Counts, less: Counts): Counts {
  return each(more, (count, field) => count - less[field]);
}

function each(counts: Counts, change: (count: number, field: keyof Counts) => number): Counts {
  return {
    invocations: change(counts.invocations, 'invocations'),
    gigabyteRuns: change(counts.gigabyteRuns, 'gigabyteRuns'),
    putEvents: change(counts.putEvents, 'putEvents'),
    reads: change(counts.reads, 'reads'),
    writes: change(counts.writes, 'writes'),
    transitions: change(counts.transitions, 'transitions'),
    calls: change(counts.calls, 'calls'),
    accepted: change(counts.accepted, 'accepted'),
  };
}

/** @param writeUnits of one write: queue, delivery and gate have no index. */
function rowOf(message: string, counts: Counts, writeUnits: number, dollarsBefore = 0): SendRow {
  const { invocations, gigabyteRuns, putEvents, reads, writes, transitions, calls, accepted } = counts;
  const waiting = calls * liveChatSeconds * (functions.send.memoryMb / 1024);
  const gigabyteSeconds = gigabyteRuns * billedSeconds + waiting;
  const dollars =
    dollarsBefore +
    putEvents * price.event +
    invocations * price.invocation +
    gigabyteSeconds * price.gigabyteSecond +
    reads * price.read +
    writes * writeUnits * price.write +
    transitions * price.transition;
  return {
    message,
    writes: round2(writes),
    reads: round2(reads),
    transitions: round2(transitions),
    invocations: round2(invocations),
    putEvents: round2(putEvents),
    liveChatCalls: round2(calls),
    awsPerMillion: round2(dollars * 1e6),
    liveChatPerMillion: round2(accepted * price.liveChatCall * 1e6),
  };
}
