import type { Participant, UserType } from '../events/schemas.ts';
import type { ConversationEvent } from './facts.ts';

interface Statement {
  readonly participant: Participant;
  /** Whether the carrier described the user, rather than merely naming an id. */
  readonly described: boolean;
}

const order: readonly UserType[] = ['customer', 'agent', 'bot', 'system', 'unknown'];

/** Who takes part, from facts in the order in which they count: later ones win, field by field. */
export function foldParticipants(facts: readonly ConversationEvent[]): Participant[] {
  const known = new Map<string, Participant>();
  const described = new Set<string>();
  for (const { participant, described: isDescribed } of facts.flatMap(statementsOf)) {
    const before = known.get(participant.id);
    const type = before && described.has(participant.id) && !isDescribed ? before.type : participant.type;
    if (isDescribed) described.add(participant.id);
    known.set(participant.id, merged(before, { ...participant, type }));
  }
  return [...known.values()].sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type) || (a.id < b.id ? -1 : 1));
}

function statementsOf(fact: ConversationEvent): Statement[] {
  switch (fact.type) {
    case 'chat.started':
      return fact.data.participants.map((participant) => ({ participant, described: true }));
    case 'agent.changed':
      return [{ participant: fact.data.agent, described: fact.data.change === 'joined' }];
    case 'participant.changed':
      return [{ participant: fact.data.participant, described: fact.data.change === 'joined' }];
    default:
      return [];
  }
}

function merged(before: Participant | undefined, now: Participant): Participant {
  const fields = before?.fields || now.fields ? { ...before?.fields, ...now.fields } : undefined;
  return { ...before, ...definedOnly(now), ...(fields && { fields }) };
}

function definedOnly(participant: Participant): Participant {
  const { id, type, ...rest } = participant;
  return { id, type, ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) };
}
