import { describe, expect, expectTypeOf, it } from 'vitest';
import { receivedAtSecond, textMessage } from '../test/domain-events.ts';
import {
  type AnyEvent,
  type EventData,
  InvalidEventError,
  isEvent,
  isEventType,
  type NormalizedMessage,
  parseEvent,
  schemas,
} from './events.ts';

const metadata = receivedAtSecond(14, 'o', 'e');
const data = textMessage('o');
const busEvent = {
  version: '0',
  id: 'bus',
  'detail-type': 'message.received',
  source: 's',
  detail: { metadata, data },
};

describe('parseEvent', () => {
  it('returns an event that narrows on its type', () => {
    const event = parseEvent(busEvent);
    expect(event).toEqual({ type: 'message.received', metadata, data });
    expectTypeOf(event).toEqualTypeOf<AnyEvent>();
    if (event.type === 'message.received') expectTypeOf(event.data).toEqualTypeOf<NormalizedMessage>();
  });

  it('returns an event of a given type', () => {
    const event = parseEvent(busEvent, 'message.received');
    expect(event.data.content).toBe('Hello');
    expectTypeOf(event.data).toEqualTypeOf<EventData<'message.received'>>();
  });

  it.each([
    ['no event', null, '(root)', undefined],
    ['an SQS batch', { Records: [] }, 'detail-type', undefined],
    ['an unknown type', { ...busEvent, 'detail-type': 'message.sensitive' }, 'detail-type', undefined],
    ['a property of Object', { ...busEvent, 'detail-type': 'constructor' }, 'detail-type', undefined],
    ['another type', busEvent, 'detail-type', 'note.received' as const],
    ['invalid data', { ...busEvent, detail: { metadata, data: { ...data, id: 4711 } } }, 'data.id', undefined],
    [
      'a later version',
      { ...busEvent, detail: { metadata: { ...metadata, version: '9' }, data } },
      'metadata.version',
      undefined,
    ],
  ])('rejects %s, and names the field and what was expected', (_what, event, path, type) => {
    const parse = () => (type ? parseEvent(event, type) : parseEvent(event));
    expect(parse).toThrow(InvalidEventError);
    expect(parse).toThrow(
      expect.objectContaining({ issues: expect.arrayContaining([expect.objectContaining({ path })]) }),
    );
    expect(parse).toThrow(/expected/);
    expect(parse).not.toThrow(/sensitive|4711/);
  });
});

describe('isEvent', () => {
  it.each([
    ['an event of the type', busEvent, true],
    ['an event of another type', { ...busEvent, 'detail-type': 'note.received' }, false],
    ['an event with invalid data', { ...busEvent, detail: { metadata, data: {} } }, false],
    ['no event', 'text', false],
  ])('tells %s', (_what, event: unknown, expected) => {
    expect(isEvent('message.received', event)).toBe(expected);
    if (isEvent('message.received', event)) expectTypeOf(event.detail.data.author.id).toBeString();
  });

  it('is a guard for each type', () => {
    const types = Object.keys(schemas).filter(isEventType);
    expect(types.filter((type) => isEvent(type, busEvent))).toEqual(['message.received']);
  });
});
