import { useMemo, useRef } from 'preact/hooks';
import type { ConversationResponse } from '../../responses.ts';
import { get, useResource } from '../app/api.ts';
import { linkTo, type Route } from '../app/route.ts';
import { useChanges } from '../app/stream.ts';
import { Badge, Copyable, Loaded } from '../parts/ui.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { Decisions } from '../routing/decisions.tsx';
import type { ShownMessage } from './content.tsx';
import { ConversationList } from './list.tsx';
import { TranscriptLine } from './message.tsx';
import { agentNames, customerName, statusTones } from './people.ts';

export function ConversationsPage({ route }: { route: Route }) {
  return route.id === undefined ? (
    <ConversationList query={route.query} />
  ) : (
    <ConversationView key={route.id} id={route.id} organizationId={route.query.get('organizationId') ?? undefined} />
  );
}

/** How many of the latest messages a live update reads again: older ones rarely change. */
const refreshedMessages = 200;

/** Reads all pages of a conversation. */
async function loadConversation(id: string, organizationId: string | undefined): Promise<ConversationResponse> {
  const first = await get('/conversations/:id', { id, organizationId });
  const messages = [...first.messages];
  for (let after = first.next; after !== undefined; ) {
    const page = await get('/conversations/:id', { id, organizationId, after });
    messages.push(...page.messages);
    after = page.next;
  }
  return { ...first, messages };
}

async function loadUpdates(known: ConversationResponse, since: string): Promise<ConversationResponse> {
  const { id, organizationId } = known.conversation;
  const response = await get('/conversations/:id', { id, organizationId, since });
  const older = known.messages.filter(({ timestamp }) => timestamp <= since);
  return { ...response, messages: [...older, ...response.messages] };
}

function ConversationView({ id, organizationId }: { id: string; organizationId: string | undefined }) {
  const known = useRef<ConversationResponse>(undefined);
  const loaded = useResource(`${organizationId}/${id}`, async () => {
    const before = known.current;
    const since = before?.messages.at(-refreshedMessages)?.timestamp;
    known.current = before && since ? await loadUpdates(before, since) : await loadConversation(id, organizationId);
    return known.current;
  });
  useChanges(({ conversationId }) => conversationId === id, loaded.reload);
  return (
    <div class="fill">
      <p class="back">
        <a href={linkTo('conversations')}>← Conversations</a>
      </p>
      <Loaded from={loaded}>{(response) => <ConversationDetails response={response} />}</Loaded>
    </div>
  );
}

function ConversationDetails({ response }: { response: ConversationResponse }) {
  const { conversation, routing } = response;
  const lines = useMemo(() => transcriptLines(response), [response]);
  const people = useMemo(
    () => new Map(conversation.participants.map((participant) => [participant.id, participant])),
    [conversation],
  );
  const tags = [...new Set(conversation.threads.flatMap((thread) => thread.tags))];
  return (
    <div class="conversation">
      <div class="head">
        <h1>{customerName(conversation)}</h1>
        <p>
          <Badge tone={statusTones[conversation.status]}>{conversation.status}</Badge> with{' '}
          {agentNames(conversation) || 'no agent'}
          {tags.map((tag) => (
            <span key={tag} class="mark">
              {tag}
            </span>
          ))}
        </p>
      </div>
      <details class="about">
        <summary>Ids and participants</summary>
        <dl class="ids">
          <Copyable label="Chat" value={conversation.id} />
          <Copyable label="Organization" value={conversation.organizationId} />
          {conversation.participants.map(({ id, name, type }) => (
            <Copyable key={id} label={`${name ?? type} (${type})`} value={id} />
          ))}
        </dl>
      </details>
      {routing.length > 0 && (
        <details class="about">
          <summary>Routing decisions</summary>
          <Decisions decisions={routing} />
        </details>
      )}
      {lines.length === 0 ? (
        <p class="hint">No messages yet.</p>
      ) : (
        <VirtualList
          items={lines}
          itemKey={({ key }) => key}
          estimate={92}
          label="Transcript"
          render={(line) => <TranscriptLine line={line} people={people} />}
          fromEnd
        />
      )}
    </div>
  );
}

/** A line of a transcript. */
export type Line =
  | { readonly kind: 'thread'; readonly key: string; readonly threadId: string; readonly at: string }
  | { readonly kind: 'message' | 'note'; readonly key: string; readonly message: ShownMessage }
  | { readonly kind: 'pending'; readonly key: string; readonly delivery: ConversationResponse['pending'][number] };

/** Messages and notes by time, a line at the start of each thread, and last the messages that LiveChat has not confirmed. */
function transcriptLines({
  messages,
  notes,
  pending,
}: Pick<ConversationResponse, 'messages' | 'notes' | 'pending'>): Line[] {
  const messagesByTime = [
    ...messages.map((message) => ({ kind: 'message' as const, message })),
    ...notes.map((message) => ({ kind: 'note' as const, message })),
  ].toSorted((a, b) => (a.message.timestamp < b.message.timestamp ? -1 : 1));
  const lines = messagesByTime.flatMap((entry, index): Line[] => {
    const { threadId, id, timestamp } = entry.message;
    const line: Line = { ...entry, key: `${entry.kind}-${threadId}-${id}` };
    if (threadId === messagesByTime[index - 1]?.message.threadId) return [line];
    return [{ kind: 'thread', key: `thread-${threadId}-${id}`, threadId, at: timestamp }, line];
  });
  const pendingLines = pending.map((delivery): Line => ({ kind: 'pending', key: `pending-${delivery.id}`, delivery }));
  return [...lines, ...pendingLines];
}
