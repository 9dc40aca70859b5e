import { ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { type ConversationSummary, listConversations, organizations, statuses } from '../core/conversations/queries.ts';
import { messagesSince } from '../core/messages/queries.ts';
import { type Archived, list } from '../core/outbound/dead-letters/store.ts';
import { required } from '../core/platform/configuration.ts';
import type { Activity, Subscribe } from './stream.ts';

const pollMs = 2_000;
/** As much as one look takes in; on a busier stage the counts are of the latest. */
const most = 100;

interface Seen {
  /** When each conversation was last active, by organization and id. */
  readonly conversations: ReadonlyMap<string, string>;
  readonly letters: ReadonlySet<string>;
  /** The status of each run, by name. */
  readonly runs: ReadonlyMap<string, string>;
}

interface Look extends Seen {
  readonly found: readonly Activity[];
}

/**
 * What happens on a deployed stage, from its tables: a laptop cannot receive the bus. Tells of each change once, in the
 * terms of the bus. `report` is told when a look fails, and the next one is tried all the same.
 */
export function pollStage(report: (message: string) => void): Subscribe {
  const listeners = new Set<(activity: Activity) => void>();
  let seen: Seen | undefined;

  const turn = async (): Promise<void> => {
    try {
      const { found, ...now } = await look(seen);
      // The first look only learns what has been there before.
      if (seen) for (const activity of found) for (const listener of listeners) listener(activity);
      seen = now;
    } catch (error) {
      report(`The stage could not be read: ${error instanceof Error ? `${error.name}: ${error.message}` : error}`);
    }
    setTimeout(turn, pollMs).unref();
  };
  void turn();

  return (listener) => {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  };
}

async function look(seen: Seen | undefined): Promise<Look> {
  const ids = await organizations();
  const [lists, { letters }, runs] = await Promise.all([
    Promise.all(ids.map((id) => listConversations(id, statuses, most))),
    list('open', { limit: most }),
    executions(),
  ]);
  const conversations = lists.flat();
  const changed = conversations.filter((one) => seen && seen.conversations.get(keyOf(one)) !== one.lastActivityAt);
  const said = await Promise.all(changed.map((one) => changesOf(one, seen?.conversations.get(keyOf(one)))));
  return {
    conversations: new Map(conversations.map((one) => [keyOf(one), one.lastActivityAt])),
    letters: new Set(letters.map(({ id }) => id)),
    runs: new Map(runs.map(({ name, status }) => [name, status])),
    found: [
      ...said.flat(),
      ...letters.filter(({ id }) => !seen?.letters.has(id)).map(letterActivity),
      ...runs.filter(({ name, status }) => seen?.runs.get(name) !== status).flatMap(runActivity(seen)),
    ],
  };
}

function keyOf({ organizationId, id }: ConversationSummary): string {
  return `${organizationId}/${id}`;
}

const eventOf = (at: string, detailType: string, data: Readonly<Record<string, unknown>>): Activity => ({
  type: 'event',
  at,
  detailType,
  detail: { data },
});

async function changesOf(conversation: ConversationSummary, since: string | undefined): Promise<Activity[]> {
  const { id: conversationId, organizationId, lastActivityAt } = conversation;
  const messages = await messagesSince({ organizationId, conversationId }, since ?? '', most);
  const told = messages.map(({ timestamp, metadata }) => {
    const { customId } = metadata;
    const ours = typeof customId === 'string' && customId.startsWith('out-');
    return eventOf(timestamp, ours ? 'message.delivered' : 'message.received', { conversationId });
  });
  return told.length > 0 ? told : [eventOf(lastActivityAt, 'chat.updated', { conversationId })];
}

function letterActivity({ id, createdAt, conversationId }: Archived): Activity {
  return eventOf(createdAt, 'message.failed', { conversationId, deadLetterId: id });
}

interface Run {
  readonly name: string;
  readonly status: string;
  readonly startedAt: string;
}

const runActivity =
  (seen: Seen | undefined) =>
  ({ name, status, startedAt }: Run): Activity[] => {
    const started: Activity = { type: 'execution', at: startedAt, name, status: 'RUNNING' };
    const ended: Activity = { type: 'execution', at: new Date().toISOString(), name, status };
    const isNew = !seen?.runs.has(name);
    return [...(isNew ? [started] : []), ...(status === 'RUNNING' ? [] : [ended])];
  };

const stepFunctions = new SFNClient({});

async function executions(): Promise<Run[]> {
  const stateMachineArn = required('SEND_MACHINE_ARN', 'the ARN of the send state machine');
  const { executions: found = [] } = await stepFunctions.send(
    new ListExecutionsCommand({ stateMachineArn, maxResults: most }),
  );
  return found.map(({ name = '', status = '', startDate }) => ({
    name,
    status,
    startedAt: startDate?.toISOString() ?? '',
  }));
}
