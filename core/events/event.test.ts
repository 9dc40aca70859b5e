import { describe, expect, it } from 'vitest';
import { catalogue, isEventType } from './catalogue.ts';
import { InvalidEventError, largeEventKey, parseClaimCheck, parseEvent } from './event.ts';

const metadata = {
  id: 'e',
  version: '1',
  correlationId: 'c',
  organizationId: 'o',
  carrier: 'livechat',
  occurredAt: '2026-03-11T09:14:14.120349Z',
  receivedAt: '2026-03-11T09:14:14.500Z',
};
const data = { conversationId: 'C', threadId: 'T', messageId: 'T_1' };

describe('an event', () => {
  it('that fits the catalogue is given with its type', () => {
    const event = { type: 'message.deleted', metadata, data };
    expect(parseEvent('message.deleted', { metadata, data })).toEqual(event);
  });

  it('loses what the catalogue does not know', () => {
    const given = { metadata: { ...metadata, extra: 1 }, data: { ...data, extra: 1 }, extra: 1 };
    expect(parseEvent('message.deleted', given)).toEqual({ type: 'message.deleted', metadata, data });
  });

  it.each([
    ['nothing', undefined, ['(root)']],
    ['text', 'sensitive', ['(root)']],
    ['no metadata', { data }, ['metadata']],
    ['no data', { metadata }, ['data']],
    ['data that is text', { metadata, data: 'sensitive' }, ['data.(root)']],
    ['another version', { metadata: { ...metadata, version: 'sensitive' }, data }, ['metadata.version']],
    ['another carrier', { metadata: { ...metadata, carrier: 'sensitive' }, data }, ['metadata.carrier']],
    ['an empty id', { metadata: { ...metadata, id: '' }, data }, ['metadata.id']],
    ['a malformed time', { metadata: { ...metadata, receivedAt: 'sensitive' }, data }, ['metadata.receivedAt']],
    ['a number for a name', { metadata, data: { ...data, messageId: 4711 } }, ['data.messageId']],
    ['two fields amiss', { metadata, data: { messageId: 'T_1' } }, ['data.conversationId', 'data.threadId']],
  ])('with %s is refused by the names of its fields, never by their values', (_what, detail, paths) => {
    const error = thrownBy(() => parseEvent('message.deleted', detail));
    expect(error.issues.map(({ path }) => path)).toEqual(paths);
    expect(error.message).toBe(
      `message.deleted: ${error.issues.map(({ path, message }) => `${path}: ${message}`).join('; ')}`,
    );
    expect(error.message).not.toMatch(/sensitive|4711/);
    expect(error.message).toMatch(/expected/);
  });

  it('refused deep inside is named by its whole path', () => {
    const participants = [
      { id: 'a', type: 'agent' },
      { id: 'b', type: 'sensitive' },
    ];
    const started = { ...data, reason: 'new', createdAt: metadata.occurredAt, active: true, participants };
    const detail = { metadata, data: { ...started, groups: [], tags: [], causedByUs: false } };
    const error = thrownBy(() => parseEvent('chat.started', detail));
    expect(error.issues.map(({ path }) => path)).toEqual(['data.participants.1.type']);
    expect(error.message).not.toContain('sensitive');
  });
});

function thrownBy(act: () => unknown): InvalidEventError {
  try {
    act();
  } catch (error) {
    if (error instanceof InvalidEventError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('the catalogue', () => {
  it.each(Object.keys(catalogue))('knows %s', (name) => {
    expect(isEventType(name)).toBe(true);
  });

  it.each(['', 'message', 'toString', '__proto__', 'constructor'])('does not know %j', (name) => {
    expect(isEventType(name)).toBe(false);
  });
});

describe('an event that went by reference', () => {
  const dataRef = { bucket: 'media', key: 'events/o/e.json', bytes: 300_000 };

  it('names where its data lies', () => {
    expect(largeEventKey(parseEvent('message.deleted', { metadata, data }).metadata)).toBe('events/o/e.json');
  });

  it.each([
    ['the reference is there', { metadata, dataRef }, { metadata, dataRef }],
    ['the data itself is there', { metadata, data }, undefined],
    ['the reference lacks its key', { metadata, dataRef: { bucket: 'media', bytes: 1 } }, undefined],
    ['the metadata is missing', { dataRef }, undefined],
    ['there is nothing', undefined, undefined],
  ])('is told when %s', (_what, detail, expected) => {
    expect(parseClaimCheck(detail)).toEqual(expected);
  });
});
