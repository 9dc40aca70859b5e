import { randomUUID } from 'node:crypto';
import type { AnyEvent, DomainEvent } from '../core/events/event.ts';
import { deriveId } from '../core/events/ids.ts';
import { eventSource } from '../core/events/version.ts';
import { isAction } from '../core/livechat/schemas.ts';
import { translate } from '../core/livechat/translate.ts';
import { compilePattern } from '../local/aws/event-pattern.ts';
import { type FunctionName, functions, resolvePattern, rules } from '../stacks/topology.ts';
import { type Body, fixture, order } from './fixtures.ts';

/** An event as EventBridge delivers it to a target. */
export interface BusEvent {
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly time: string;
  readonly detail: { readonly metadata: AnyEvent['metadata']; readonly data: AnyEvent['data'] };
  readonly [field: string]: unknown;
}

const asNote = (body: Body): Body =>
  JSON.parse(JSON.stringify(body).replace('"visibility":"all"', '"visibility":"agents"'));

const receivedAt = '2026-03-11T11:00:00.000Z';

/**
 * Domain events of every type that the recorded webhooks are translated to, in the order of the recording, an observation of a
 * thread, and a request to route it.
 */
export function busEvents(organizationId: string): BusEvent[] {
  const notes = ['incoming_event.message.customer.json', 'event_updated.json'].map((name) => asNote(fixture(name)));
  const translated = [...order().map(fixture), ...notes].flatMap(({ action, payload }) =>
    typeof action === 'string' && isAction(action)
      ? translate({ organizationId, action, payload, receivedAt }, {})
      : [],
  );
  return [
    ...translated,
    ...translated
      .filter((event) => event.type === 'chat.started')
      .slice(0, 1)
      .map(observe),
    ...translated
      .filter((event) => event.type === 'message.received')
      .slice(0, 1)
      .map(requestRouting),
  ].map(toBusEvent);
}

function requestRouting({ metadata, data }: DomainEvent<'message.received'>): DomainEvent<'routing.requested'> {
  const { conversationId, threadId, id: messageId, timestamp: at } = data;
  const id = deriveId('routing.requested', metadata.id);
  return {
    type: 'routing.requested',
    metadata: { ...metadata, id },
    data: { conversationId, threadId, messageId, at },
  };
}

/** The thread some time after its start: one user has read it, and it has a tag. */
function observe({ metadata, data }: DomainEvent<'chat.started'>): DomainEvent<'chat.observed'> {
  const { conversationId, threadId, active, participants, groups } = data;
  const seenUpTo = participants.slice(0, 1).map(({ id: userId }) => ({ userId, at: receivedAt }));
  return {
    type: 'chat.observed',
    metadata: { ...metadata, id: deriveId('chat.observed', metadata.id) },
    data: {
      conversationId,
      threadId,
      observedAt: receivedAt,
      active,
      participants,
      access: { groups },
      tags: ['vip'],
      seenUpTo,
    },
  };
}

export function toBusEvent({ type, metadata, data }: AnyEvent): BusEvent {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': type,
    source: eventSource,
    account: '000000000000',
    time: '2026-03-11T11:00:00Z',
    region: 'us-east-1',
    resources: [],
    detail: { metadata, data },
  };
}

/** The events that the rules route to a function. */
export function eventsFor(name: FunctionName, events: readonly BusEvent[]): readonly BusEvent[] {
  const patterns = Object.values(rules).filter(({ target }) => 'function' in target && target.function === name);
  const matchers = patterns.map((rule) =>
    compilePattern(resolvePattern(rule, { stateMachineArn: () => '', alarmName: (name) => name })),
  );
  return events.filter((event) => matchers.some((matches) => matches(event)));
}

export function isFunction(name: string): name is FunctionName {
  return Object.hasOwn(functions, name);
}
