import { randomUUID } from 'node:crypto';
import { fixture } from '../test/fixtures.ts';
import { type Local, post } from '../test/local.ts';
import { round2 } from './cold-start.ts';
import { countAwsCalls } from './count.ts';
import { billedSeconds, price, writeUnitsOfState } from './prices.ts';
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
  const { invocations, gigabyteRuns, putEvents, reads, writes } = await countAwsCalls(local, async () => {
    await post(local, body);
    await local.idle();
  });
  // One event a run, save the webhook's own.
  const events = Math.max(0, invocations - 1);
  const dollars =
    price.request +
    events * price.event +
    invocations * price.invocation +
    gigabyteRuns * billedSeconds * price.gigabyteSecond +
    reads * price.read +
    writes * writeUnitsOfState * price.write;
  return { webhook, invocations, putEvents, reads, writes, dollarsPerMillion: round2(dollars * 1e6) };
}
