import { isAction } from './schemas.ts';

/**
 * Actions that LiveChat documents (v3.4 to v3.7) and that become no domain event: configuration, properties,
 * status and summaries. They are answered and counted by name; anything else is counted as `other`.
 */
const documented: ReadonlySet<string> = new Set([
  'chat_properties_updated',
  'chat_properties_deleted',
  'thread_properties_updated',
  'thread_properties_deleted',
  'event_properties_updated',
  'event_properties_deleted',
  'routing_status_set',
  'incoming_customer',
  'thread_summary_set',
  'agent_created',
  'agent_approved',
  'agent_updated',
  'agent_suspended',
  'agent_unsuspended',
  'agent_deleted',
  'bot_created',
  'bot_updated',
  'bot_deleted',
  'group_created',
  'group_updated',
  'group_deleted',
  'auto_access_added',
  'auto_access_updated',
  'auto_access_deleted',
  'auto_accesses_updated',
  'tag_created',
  'tag_updated',
  'tag_deleted',
  // How LiveChat's own sample of tag_deleted spells it.
  'delete_tag',
]);

/** The name under which an action is counted; unknown ones must not make a metric each. */
export function countedName(action: string): string {
  return isAction(action) || documented.has(action) ? action : 'other';
}
