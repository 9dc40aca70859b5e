import { displayName, findCustomerName } from '../../../core/conversations/projection.ts';
import type { ConversationSummary } from '../../../core/conversations/queries.ts';
import type { Tone } from '../parts/ui.tsx';

export function customerName({ participants }: Pick<ConversationSummary, 'participants'>): string {
  return findCustomerName(participants) ?? 'No customer yet';
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
