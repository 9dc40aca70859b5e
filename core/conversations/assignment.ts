import type { EventData } from '../events/catalogue.ts';
import type { ConversationEvent } from './facts.ts';

/** Who a conversation is with: agents by id, groups by number. Closing a thread changes neither. */
export interface Assignment {
  readonly agents: readonly string[];
  readonly groups: readonly number[];
}

/** From facts in the order in which they count. */
export function foldAssignment(facts: readonly ConversationEvent[]): Assignment {
  return facts.reduce(after, { agents: [], groups: [] });
}

function after(now: Assignment, fact: ConversationEvent): Assignment {
  switch (fact.type) {
    case 'chat.started':
      return { agents: presentAgents(fact.data), groups: fact.data.groups };
    case 'chat.transferred':
      return transferred(now, fact.data.to);
    case 'chat.updated':
      return { agents: now.agents, groups: fact.data.groups ?? now.groups };
    case 'agent.changed':
      return replaced(now, fact.data);
    default:
      return now;
  }
}

function presentAgents({ participants }: EventData<'chat.started'>): string[] {
  return participants.filter(({ type, present, hidden }) => type === 'agent' && present && !hidden).map(({ id }) => id);
}

/** A transfer to a group alone leaves the chat with no agent until one is assigned. */
function transferred(now: Assignment, to: EventData<'chat.transferred'>['to']): Assignment {
  return { agents: to.agents ?? (to.groups ? [] : now.agents), groups: to.groups ?? now.groups };
}

function replaced(now: Assignment, { agent, replaces }: EventData<'agent.changed'>): Assignment {
  if (replaces === undefined) return now;
  return { ...now, agents: [...now.agents.filter((id) => id !== replaces && id !== agent.id), agent.id] };
}
