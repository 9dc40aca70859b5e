import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { functions } from '../stacks/topology.ts';
import { fixture } from '../test/fixtures.ts';
import { type Local, post } from '../test/local.ts';
import { round2 } from './cold-start.ts';
import { message, started } from './throughput.ts';

export interface LedgerRow {
  readonly webhook: string;
  readonly invocations: number;
  readonly putEvents: number;
  readonly reads: number;
  readonly writes: number;
  /** List price in us-east-1, US dollars for a million of this webhook. */
  readonly dollarsPerMillion: number;
}

/**
 * US dollars, us-east-1, on-demand, as AWS lists them: an HTTP API request, a custom event, a Lambda request and its
 * GB-second on arm64, a DynamoDB write and read unit. Items are taken as up to 1 KB written and 4 KB read; each index
 * that a write touches is another write unit.
 */
const price = {
  request: 1e-6,
  event: 1e-6,
  invocation: 0.2e-6,
  gigabyteSecond: 13.3334e-6,
  write: 0.625e-6,
  read: 0.125e-6,
};
/** What a run is billed for: mostly waiting for a few AWS calls of a few ms each. */
const billedSeconds = 0.02;
const writeUnitsPerWrite = 2;

const calls = z.record(z.string(), z.number());
const readOperations = ['GetItem', 'Query', 'BatchGetItem', 'Scan'];
const writeOperations = ['PutItem', 'UpdateItem', 'DeleteItem'];

/** Counts the AWS calls that one webhook of each kind leads to. */
export async function ledger(local: Local): Promise<LedgerRow[]> {
  const organization_id = randomUUID();
  await post(local, started(organization_id, 0));
  await post(local, message(organization_id, 0, 0));
  await local.idle();
  const story = (name: string) => ({ ...fixture(name), organization_id: randomUUID() });
  const kinds = [
    { webhook: 'a plain message', body: message(organization_id, 0, 1) },
    { webhook: 'the same message again', body: message(organization_id, 0, 1) },
    { webhook: 'a chat with three messages begins', body: story('incoming_chat.json') },
    { webhook: 'a transfer', body: story('chat_transferred.manual_to_agent.json') },
    { webhook: 'a chat ends', body: story('chat_deactivated.by_agent.json') },
    { webhook: 'messages were seen', body: story('events_marked_as_seen.json') },
    { webhook: 'a button is clicked', body: story('incoming_rich_message_postback.json') },
    { webhook: 'an action without an event', body: story('tag_created.v3.5_plus.json') },
  ];
  const rows: LedgerRow[] = [];
  for (const { webhook, body } of kinds) rows.push(await rowOf(local, webhook, body));
  return rows;
}

async function rowOf(local: Local, webhook: string, body: object): Promise<LedgerRow> {
  await fetch(`${local.aws}/_local/calls`, { method: 'DELETE' });
  await post(local, body);
  await local.idle();
  const counted = Object.entries(calls.parse(await (await fetch(`${local.aws}/_local/calls`)).json()));
  const total = (matches: (call: string) => boolean) =>
    counted.reduce((sum, [call, count]) => (matches(call) ? sum + count : sum), 0);
  const invoked = counted.filter(([call]) => call.startsWith('lambda.Invoke:'));
  const invocations = total((call) => call.startsWith('lambda.Invoke:'));
  const putEvents = total((call) => call === 'events.PutEvents');
  const reads = total((call) => readOperations.some((operation) => call === `dynamodb.${operation}`));
  const writes = total((call) => writeOperations.some((operation) => call === `dynamodb.${operation}`));
  const gigabyteSeconds = invoked.reduce((sum, [call, count]) => sum + count * memoryOf(call) * billedSeconds, 0);
  // One event a run, save the webhook's own.
  const events = Math.max(0, invocations - 1);
  const dollars =
    price.request +
    events * price.event +
    invocations * price.invocation +
    gigabyteSeconds * price.gigabyteSecond +
    reads * price.read +
    writes * writeUnitsPerWrite * price.write;
  return { webhook, invocations, putEvents, reads, writes, dollarsPerMillion: round2(dollars * 1e6) };
}

function memoryOf(call: string): number {
  const name = call.slice('lambda.Invoke:'.length);
  const spec = Object.entries(functions).find(([one]) => one === name)?.[1];
  if (!spec) throw new Error(`the ledger met a function that is not in the topology: ${name}`);
  return spec.memoryMb / 1024;
}
