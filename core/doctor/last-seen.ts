import type { ConversationEvent } from '../conversations/projection.ts';
import { listConversations, readHistory, statuses } from '../conversations/queries.ts';
import type { Action } from '../livechat/schemas.ts';
import { readLatestChanges } from '../messages/queries.ts';
import { type Examination, found } from './finding.ts';

/** Of each organization; older ones tell nothing new of what works now. */
const conversationsRead = 20;

/** Which webhook a stored event came from. */
export function actionOf(event: ConversationEvent): Action {
  switch (event.type) {
    case 'chat.started':
      return 'incoming_chat';
    case 'chat.deactivated':
      return 'chat_deactivated';
    case 'chat.transferred':
      return 'chat_transferred';
    case 'chat.updated':
      if (event.data.tag !== undefined) return 'thread_tagged';
      return event.data.untag === undefined ? 'chat_access_updated' : 'thread_untagged';
    case 'agent.changed':
      return event.data.change === 'joined' ? 'user_added_to_chat' : 'user_removed_from_chat';
    case 'participant.changed':
      if (event.data.change === 'fields') return 'customer_session_fields_updated';
      return event.data.change === 'joined' ? 'user_added_to_chat' : 'user_removed_from_chat';
    case 'idle':
      return 'incoming_event';
  }
}

type Times = Map<string, string>;

function note(times: Times, action: Action, time: string | undefined): void {
  if (time !== undefined && time > (times.get(action) ?? '')) times.set(action, time);
}

/**
 * When each webhook last left a trace in what is stored of the latest conversations. No write of its own is spent on it;
 * a webhook that changed nothing, such as a repetition, leaves none.
 */
export async function lastSeen(organizationIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const times: Times = new Map();
  for (const organizationId of organizationIds) {
    const latest = await listConversations(organizationId, statuses, conversationsRead);
    await Promise.all(
      latest.map(async ({ id: conversationId }) => {
        const key = { organizationId, conversationId };
        const [{ events, readMarks }, messages] = await Promise.all([readHistory(key), readLatestChanges(key)]);
        for (const event of events) note(times, actionOf(event), event.metadata.receivedAt);
        for (const mark of readMarks) note(times, 'events_marked_as_seen', mark);
        note(times, 'incoming_event', messages.received);
        note(times, 'event_updated', messages.edited);
        note(times, 'event_deleted', messages.deleted);
        note(times, 'incoming_rich_message_postback', messages.clicked);
      }),
    );
  }
  return times;
}

/** When each webhook was last seen. Which of them ought to have come, nobody can tell. */
export function webhooksSeen(organizationIds: readonly string[], actions: readonly string[]): Examination {
  const about = 'last webhooks';
  const { note: told, warning } = found(about);
  return {
    about,
    async run() {
      const times = await lastSeen(organizationIds);
      if (times.size === 0) {
        const mend =
          'Start a chat (locally, `livechat simulate chat`), then look again; see the metric WebhookErrorResponses.';
        return [warning('none has left a trace yet', mend)];
      }
      return actions.map((action) =>
        told(`${action.padEnd(32)} ${times.get(action)?.slice(0, 19) ?? 'no trace in the latest conversations'}`),
      );
    },
  };
}
