import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { InvalidEventError, parseEvent } from './event.ts';
import { describeIssues } from './issues.ts';

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

describe('parseEvent', () => {
  it('returns a valid event with its type', () => {
    const event = { type: 'message.deleted', metadata, data };
    expect(parseEvent('message.deleted', { metadata, data })).toEqual(event);
  });

  it('removes unknown fields', () => {
    const given = { metadata: { ...metadata, extra: 1 }, data: { ...data, extra: 1 }, extra: 1 };
    expect(parseEvent('message.deleted', given)).toEqual({ type: 'message.deleted', metadata, data });
  });

  it.each([
    ['nothing', undefined, ['(root)']],
    ['text', 'sensitive', ['(root)']],
    ['no metadata', { data }, ['metadata']],
    ['no data', { metadata }, ['data']],
    ['a string as data', { metadata, data: 'sensitive' }, ['data.(root)']],
    ['another version', { metadata: { ...metadata, version: 'sensitive' }, data }, ['metadata.version']],
    [
      'a malformed carrier',
      { metadata: { ...metadata, carrier: 'Sensitive!' }, data },
      ['metadata.carrier', 'metadata.organizationId'],
    ],
    [
      'the organization of another carrier',
      { metadata: { ...metadata, carrier: 'sensitive' }, data },
      ['metadata.organizationId'],
    ],
    ['an empty id', { metadata: { ...metadata, id: '' }, data }, ['metadata.id']],
    ['a malformed time', { metadata: { ...metadata, receivedAt: 'sensitive' }, data }, ['metadata.receivedAt']],
    ['a number for a name', { metadata, data: { ...data, messageId: 4711 } }, ['data.messageId']],
    ['two missing fields', { metadata, data: { messageId: 'T_1' } }, ['data.conversationId', 'data.threadId']],
  ])('rejects %s and lists the invalid fields without their values', (_what, detail, paths) => {
    const error = thrownBy(() => parseEvent('message.deleted', detail));
    expect(error.issues.map(({ path }) => path)).toEqual(paths);
    expect(error.message).toBe(
      `message.deleted: ${error.issues.map(({ path, message }) => `${path}: ${message}`).join('; ')}`,
    );
    expect(error.message).not.toMatch(/sensitive|4711/);
    expect(error.message).toMatch(/expected/);
  });

  it('reports the full path of a nested field', () => {
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

const issueSchema = z.object({
  text: z.string().check(z.minLength(3), z.maxLength(5)),
  choice: z.enum(['a', 'b']),
  list: z.array(z.number()),
  fixed: z.literal('1'),
  map: z.record(z.string(), z.boolean()),
});
const valid = { text: 'four', choice: 'a', list: [1], fixed: '1', map: { x: true } };

describe('describeIssues', () => {
  it.each([
    ['(root)', 'sensitive'],
    ['text', { ...valid, text: 's!' }],
    ['text', { ...valid, text: 'sensitive' }],
    ['choice', { ...valid, choice: 'sensitive' }],
    ['list.1', { ...valid, list: [1, 'sensitive'] }],
    ['fixed', { ...valid, fixed: 'sensitive' }],
    ['map.x', { ...valid, map: { x: 'sensitive' } }],
  ])('reports the path %s and the expectation, never the value', (path, value) => {
    const { error } = issueSchema.safeParse(value);
    const issues = error ? describeIssues(error) : [];
    expect(issues).toMatchObject([{ path, message: expect.stringMatching(/expected/) }]);
    expect(JSON.stringify(issues)).not.toMatch(/sensitive|s!/);
  });
});
