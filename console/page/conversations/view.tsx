import { useMemo } from 'preact/hooks';
import type { ConversationResponse } from '../../api.ts';
import { channelName, get } from '../app/api.ts';
import { Badge, Head, Ids, Loaded } from '../parts/ui.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { DecisionView } from '../routing/decisions.tsx';
import { agentNames, customerName, statusTones } from './people.ts';
import { findLine, TranscriptLine, transcriptLines } from './transcript.tsx';

/** How many of the latest messages a live update reads again: older ones rarely change. */
const refreshedMessages = 200;

/** Reads all pages of a conversation; if it is known, only the latest messages. */
async function loadConversation(
  id: string,
  organizationId: string | undefined,
  known: ConversationResponse | undefined,
): Promise<ConversationResponse> {
  const since = known?.messages.at(-refreshedMessages)?.timestamp;
  const first = await get('/conversations/:id', { id, organizationId, since });
  const isOlder = ({ timestamp }: { readonly timestamp: string }) => since !== undefined && timestamp <= since;
  const messages = [...(known?.messages.filter(isOlder) ?? []), ...first.messages];
  const notes = [...(known?.notes.filter(isOlder) ?? []), ...first.notes];
  for (let after = first.next; after !== undefined; ) {
    const page = await get('/conversations/:id', { id, organizationId, after });
    messages.push(...page.messages);
    notes.push(...page.notes);
    after = page.next;
  }
  return { ...first, messages, notes };
}

export function ConversationView({ id, query }: { id: string; query: URLSearchParams }) {
  const organizationId = query.get('organizationId') ?? undefined;
  return (
    <div class="fill conversation">
      <Loaded
        id={`${organizationId}/${id}`}
        item={['conversation', id]}
        load={(known: ConversationResponse | undefined) => loadConversation(id, organizationId, known)}
        changedBy={({ conversationId }) => conversationId === id}
      >
        {(response) => <ConversationDetails response={response} query={query} />}
      </Loaded>
    </div>
  );
}

/** From this width on, the routing decision is beside the transcript. */
const wide = matchMedia('(min-width: 1100px)');

function ConversationDetails({ response, query }: { response: ConversationResponse; query: URLSearchParams }) {
  const { conversation, routing } = response;
  const lines = useMemo(() => transcriptLines(response), [response]);
  const people = useMemo(
    () => new Map(conversation.participants.map((participant) => [participant.id, participant])),
    [conversation],
  );
  const agents = agentNames(conversation);
  const tags = [...new Set(conversation.threads.flatMap((thread) => thread.tags))];
  const name = customerName(conversation);
  const target = findLine(lines, Object.fromEntries(query));
  return (
    <>
      <Head title={name} item={`${name} ${conversation.id}`}>
        <p>
          <Badge tone={statusTones[conversation.status]}>{conversation.status}</Badge>{' '}
          {agents ? `Assigned to ${agents}` : 'Unassigned'}
          {tags.map((tag) => (
            <span key={tag} class="mark">
              {tag}
            </span>
          ))}
        </p>
      </Head>
      <div class="beside">
        <aside aria-label="About the conversation">
          <details class="about" open={wide.matches}>
            <summary>Routing decision</summary>
            {routing.length === 0 && <p>None: the conversation was not routed by rules.</p>}
            {routing.toReversed().map((decision) => (
              <DecisionView key={`${decision.decidedAt}-${decision.phase}`} decision={decision} />
            ))}
          </details>
          <details class="about">
            <summary>IDs and participants</summary>
            <Ids
              ids={[
                ['Conversation', conversation.id],
                ['Organization', conversation.organizationId],
                ...conversation.participants.map(({ id, name, type }) => [`${name ?? type} (${type})`, id] as const),
              ]}
            />
          </details>
        </aside>
        {lines.length === 0 ? (
          <p class="hint">No messages yet.</p>
        ) : (
          <VirtualList
            items={lines}
            itemKey={({ key }) => key}
            estimate={92}
            label="Transcript"
            render={(line) => (
              <TranscriptLine line={line} people={people} channel={channelName(conversation.organizationId)} />
            )}
            fromEnd
            target={target?.key}
          />
        )}
      </div>
    </>
  );
}
