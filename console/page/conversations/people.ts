import type { ConversationSummary } from '../../../core/conversations/queries.ts';
import type { Participant } from '../../../core/events/schemas.ts';
import type { Tone } from '../parts/ui.tsx';

export function nameOf({ id, name, email }: Pick<Participant, 'id' | 'name' | 'email'>): string {
  return name ?? email ?? id;
}

export function customerOf({ participants }: Pick<ConversationSummary, 'participants'>): string {
  const customer = participants.find(({ type }) => type === 'customer');
  return customer ? nameOf(customer) : 'No customer yet';
}

export function agentsOf({ participants, assigned }: ConversationSummary): string {
  const named = assigned.agents.map((id) => nameOf(participants.find((one) => one.id === id) ?? { id }));
  const groups = assigned.groups.filter((group) => group !== 0).map((group) => `group ${group}`);
  return [...named, ...groups].join(', ');
}

export const toneOfStatus: Readonly<Record<ConversationSummary['status'], Tone>> = {
  queued: 'warn',
  open: 'good',
  idle: 'busy',
  closed: 'calm',
};
