import { useMemo, useRef } from 'preact/hooks';
import type { ConversationAnswer } from '../../responses.ts';
import { get, useResource } from '../app/api.ts';
import { linkTo, type Route } from '../app/route.ts';
import { useChanges } from '../app/stream.ts';
import { Badge, Copyable, Loaded } from '../parts/ui.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { Decisions } from '../routing/decisions.tsx';
import type { ShownMessage } from './content.tsx';
import { ConversationList } from './list.tsx';
import { TranscriptLine } from './message.tsx';
import { agentsOf, customerOf, toneOfStatus } from './people.ts';

export function ConversationsPage({ route }: { route: Route }) {
  return route.id === undefined ? (
    <ConversationList query={route.query} />
  ) : (
    <ConversationView key={route.id} id={route.id} organizationId={route.query.get('organizationId') ?? undefined} />
  );
}

/** While a chat goes on, only its latest messages are read again: what is older hardly changes. */
const readAgain = 200;

/** Reads on until the end: a chat of thousands of messages comes in a few pages. */
async function wholeConversation(id: string, organizationId: string | undefined): Promise<ConversationAnswer> {
  const first = await get('/conversations/:id', { id, organizationId });
  const messages = [...first.messages];
  for (let after = first.next; after !== undefined; ) {
    const page = await get('/conversations/:id', { id, organizationId, after });
    messages.push(...page.messages);
    after = page.next;
  }
  return { ...first, messages };
}

async function newer(known: ConversationAnswer, since: string): Promise<ConversationAnswer> {
  const { id, organizationId } = known.conversation;
  const answer = await get('/conversations/:id', { id, organizationId, since });
  const older = known.messages.filter(({ timestamp }) => timestamp <= since);
  return { ...answer, messages: [...older, ...answer.messages] };
}

export function ConversationView({ id, organizationId }: { id: string; organizationId: string | undefined }) {
  const known = useRef<ConversationAnswer>(undefined);
  const loaded = useResource(`${organizationId}/${id}`, async () => {
    const before = known.current;
    const since = before?.messages.at(-readAgain)?.timestamp;
    known.current = before && since ? await newer(before, since) : await wholeConversation(id, organizationId);
    return known.current;
  });
  useChanges(({ conversationId }) => conversationId === id, loaded.reload);
  return (
    <div class="fill">
      <p class="back">
        <a href={linkTo('conversations')}>← Conversations</a>
      </p>
      <Loaded from={loaded}>{(answer) => <Shown answer={answer} />}</Loaded>
    </div>
  );
}

function Shown({ answer }: { answer: ConversationAnswer }) {
  const { conversation, routing } = answer;
  const lines = useMemo(() => linesOf(answer), [answer]);
  const people = useMemo(() => new Map(conversation.participants.map((one) => [one.id, one])), [conversation]);
  const tags = [...new Set(conversation.threads.flatMap((thread) => thread.tags))];
  return (
    <div class="conversation">
      <div class="head">
        <h1>{customerOf(conversation)}</h1>
        <p>
          <Badge tone={toneOfStatus[conversation.status]}>{conversation.status}</Badge> with{' '}
          {agentsOf(conversation) || 'nobody yet'}
          {tags.map((tag) => (
            <span key={tag} class="mark">
              {tag}
            </span>
          ))}
        </p>
      </div>
      <details class="about">
        <summary>Ids and who takes part</summary>
        <dl class="ids">
          <Copyable label="Chat" value={conversation.id} />
          <Copyable label="Organization" value={conversation.organizationId} />
          {conversation.participants.map((one) => (
            <Copyable key={one.id} label={`${one.name ?? one.type} (${one.type})`} value={one.id} />
          ))}
        </dl>
      </details>
      {routing.length > 0 && (
        <details class="about">
          <summary>Why this agent</summary>
          <Decisions decisions={routing} />
        </details>
      )}
      {lines.length === 0 ? (
        <p class="hint">Nothing has been said yet.</p>
      ) : (
        <VirtualList
          items={lines}
          keyOf={({ key }) => key}
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
  | { readonly kind: 'pending'; readonly key: string; readonly delivery: ConversationAnswer['pending'][number] };

/** Messages and notes by time, with a line where a thread begins; last what LiveChat has not shown yet. */
export function linesOf({
  messages,
  notes,
  pending,
}: Pick<ConversationAnswer, 'messages' | 'notes' | 'pending'>): Line[] {
  const said = [
    ...messages.map((message) => ({ kind: 'message' as const, message })),
    ...notes.map((message) => ({ kind: 'note' as const, message })),
  ].toSorted((a, b) => (a.message.timestamp < b.message.timestamp ? -1 : 1));
  const lines = said.flatMap((one, index): Line[] => {
    const { threadId, id, timestamp } = one.message;
    const line: Line = { ...one, key: `${one.kind}-${threadId}-${id}` };
    if (threadId === said[index - 1]?.message.threadId) return [line];
    return [{ kind: 'thread', key: `thread-${threadId}-${id}`, threadId, at: timestamp }, line];
  });
  const waiting = pending.map((delivery): Line => ({ kind: 'pending', key: `pending-${delivery.id}`, delivery }));
  return [...lines, ...waiting];
}
