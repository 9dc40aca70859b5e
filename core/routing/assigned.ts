import { readAssignment } from '../conversations/conversations.ts';
import type { Participant } from '../events/schemas.ts';
import type { ConversationKey } from '../outbound/queue.ts';

/** Who has a chat: agents and bots whom the customer sees, and groups. */
export interface Assigned {
  readonly agents: readonly string[];
  readonly groups: readonly number[];
}

export function assignedOf(participants: readonly Participant[], groups: readonly number[]): Assigned {
  const agents = participants.flatMap(({ id, type, present, hidden }) =>
    present && !hidden && (type === 'agent' || type === 'bot') ? [id] : [],
  );
  return { agents, groups };
}

/** As stored now: LiveChat tells of what has been done a moment later. */
export async function storedNow(key: ConversationKey) {
  const { participants, assigned } = await readAssignment(key);
  return { participants, assigned: assignedOf(participants, assigned.groups) };
}
