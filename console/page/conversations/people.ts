import type { ConversationSummary } from '../../../core/conversations/queries.ts';
import type { Participant } from '../../../core/events/schemas.ts';
import type { Tone } from '../parts/ui.tsx';

export function displayName({ id, name, email }: Pick<Participant, 'id' | 'name' | 'email'>): string {
  return name ?? email ?? id;
}

export function customerName({ participants }: Pick<ConversationSummary, 'participants'>): string {
  const customer = participants.find(({ type }) => type === 'customer');
  return customer ? displayName(customer) : 'No customer yet';
}

/** LiveChat's group of all agents. A chat that is assigned to no other group has it, so it says nothing. */
const generalGroup = 0;

export function agentNames({ participants, assigned }: Pick<ConversationSummary, 'participants' | 'assigned'>): string {
  const named = assigned.agents.map((id) =>
    displayName(participants.find((participant) => participant.id === id) ?? { id }),
  );
  const groups = assigned.groups.filter((group) => group !== generalGroup).map((group) => `group ${group}`);
  return [...named, ...groups].join(', ');
}

export const statusTones: Readonly<Record<ConversationSummary['status'], Tone>> = {
  queued: 'warn',
  open: 'good',
  idle: 'busy',
  closed: 'calm',
};
