import type { EventType } from './catalogue.ts';

// Separate from the catalogue: the webhook function only publishes, so its cold start must not create the schemas.

/** The `source` of every event that this bridge emits. Send requests may have any source. */
export const eventSource = 'omnichannel.livechat';

/** The events that no function of the bridge handles. They are for other services, alarms and operators. */
export const eventsWithoutHandler: ReadonlySet<EventType> = new Set([
  'webhook.rejected',
  'message.sent',
  'message.failed',
  'conversation.routed',
  'media.stored',
  'alert.raised',
]);

/** The schema versions of the events that have had a breaking change. The others have version 1. */
const raisedVersions: Partial<Record<EventType, string>> = {};

/** The `metadata.version` of an event. CONTRIBUTING.md says when to raise it. */
export function eventVersion(type: EventType): string {
  return raisedVersions[type] ?? '1';
}
