import { expect, it } from 'vitest';
import { identifyEvent } from './identify.ts';

it.each([
  ['conversationId', { metadata: { id: 'e', organizationId: 'o' }, data: { conversationId: 7 } }, 'e', 'o', undefined],
  ['metadata.id', { metadata: { id: 5, organizationId: 'o' }, data: { conversationId: 'c' } }, 'bus', 'o', 'c'],
  [
    'organizationId',
    { metadata: { id: 'e', organizationId: null }, data: { conversationId: 'c' } },
    'e',
    undefined,
    'c',
  ],
])(
  'returns the other ids of an event with a malformed %s',
  (_field, detail, eventId, organizationId, conversationId) => {
    expect(identifyEvent({ id: 'bus', detail })).toMatchObject({ eventId, organizationId, conversationId });
  },
);
