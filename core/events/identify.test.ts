import { expect, it } from 'vitest';
import { identifyEvent } from './identify.ts';

it.each([
  ['metadata', { metadata: null, data: { organizationId: 'o', conversationId: 'c' } }, 'bus', 'o', 'c'],
  ['data', { metadata: { id: 'e', organizationId: 'o' }, data: null }, 'e', 'o', undefined],
  [
    'message',
    { metadata: { id: 'e', organizationId: 'o' }, data: { conversationId: 'c', message: [] } },
    'e',
    'o',
    'c',
  ],
  ['ids', { metadata: { id: 'e', organizationId: 'o' }, data: { conversationId: 'c', ids: 'x' } }, 'e', 'o', 'c'],
  ['detail', 'text', 'bus', undefined, undefined],
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
