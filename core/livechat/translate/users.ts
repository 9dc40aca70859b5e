import type { Participant, UserType } from '../../events/schemas.ts';
import type { Payload } from '../schemas.ts';
import { author, participantOf, sessionFields, typeOfId, typeOfUser } from '../users.ts';
import type { Translate, Translation } from './context.ts';

interface Move {
  readonly chat_id: string;
  readonly thread_id?: string | null | undefined;
  readonly reason?: string | null | undefined;
  readonly requester_id?: string | null | undefined;
}

export const userAdded: Translate<Payload<'user_added_to_chat'>> = (payload, translation) => [
  moved(
    'joined',
    payload,
    { ...participantOf(payload.user, payload.user_type), present: payload.user.present ?? true },
    translation,
  ),
];

export const userRemoved: Translate<Payload<'user_removed_from_chat'>> = (payload, translation) => {
  const type = typeOfUser(payload.user_id, payload.user_type);
  return [moved('left', payload, { id: payload.user_id, type, present: false }, translation)];
};

/** Agents and bots are `agent.changed`, customers and whoever else `participant.changed`. */
function moved(change: 'joined' | 'left', move: Move, who: Participant, translation: Translation) {
  const place = { conversationId: move.chat_id, threadId: move.thread_id || undefined };
  const by = move.requester_id ? author(move.requester_id) : undefined;
  if (!isAgent(who.type))
    return translation.happening('participant.changed', { ...place, change, participant: who, by });
  return translation.happening('agent.changed', { ...place, change, agent: who, reason: move.reason ?? undefined, by });
}

function isAgent(type: UserType): boolean {
  return type === 'agent' || type === 'bot';
}

export const agentChanged: Translate<Payload<'agent_changed'>> = (payload, translation) => [
  translation.happening('agent.changed', {
    conversationId: payload.chat_id,
    threadId: payload.thread_id || undefined,
    change: 'joined',
    agent: { id: payload.agent_id, type: typeOfUser(payload.agent_id, 'agent') },
    replaces: payload.previous_agent_id ?? undefined,
  }),
];

/** Without an active chat there is no conversation to keep the fields with. */
export const sessionFieldsUpdated: Translate<Payload<'customer_session_fields_updated'>> = (payload, translation) => {
  if (!payload.active_chat) return [];
  return [
    translation.happening('participant.changed', {
      conversationId: payload.active_chat.chat_id,
      threadId: payload.active_chat.thread_id || undefined,
      change: 'fields',
      participant: { id: payload.id, type: customerUnless(payload.id), fields: sessionFields(payload.session_fields) },
    }),
  ];
};

function customerUnless(id: string): UserType {
  return typeOfId(id) === 'unknown' ? 'customer' : typeOfId(id);
}
