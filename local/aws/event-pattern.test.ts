import { describe, expect, test } from 'vitest';
import { compilePattern } from './event-pattern.ts';

const event = {
  source: 'omnichannel.livechat',
  'detail-type': 'message.received',
  resources: ['arn:one', 'arn:two'],
  detail: {
    data: { type: 'text', size: 12, internal: false, replyTo: null, author: { id: 'a@b' }, tags: [] },
    parts: [{ kind: 'file', size: 1 }, { kind: 'text' }],
  },
};

describe('a pattern matches', () => {
  test.each<[string, object]>([
    ['an empty pattern', {}],
    ['an exact value', { source: ['omnichannel.livechat'] }],
    ['one of several values', { 'detail-type': ['chat.started', 'message.received'] }],
    ['fields at several depths', { source: ['omnichannel.livechat'], detail: { data: { type: ['text'] } } }],
    ['a number, a boolean, null', { detail: { data: { size: [12], internal: [false], replyTo: [null] } } }],
    ['an element of a list', { resources: ['arn:two'] }],
    ['a field of an object in a list', { detail: { parts: { kind: ['text'] } } }],
    ['a prefix', { 'detail-type': [{ prefix: 'message.' }] }],
    ['a suffix', { 'detail-type': [{ suffix: '.received' }] }],
    ['anything but a value', { source: [{ 'anything-but': 'other' }] }],
    ['anything but values', { source: [{ 'anything-but': ['other', 'another'] }] }],
    ['anything but a prefix', { source: [{ 'anything-but': { prefix: 'aws.' } }] }],
    ['a field that exists', { detail: { data: { replyTo: [{ exists: true }] } } }],
    ['a field that does not exist', { detail: { data: { nothing: [{ exists: false }] } } }],
    [
      'an object and an empty list as absent',
      { detail: { data: { author: [{ exists: false }], tags: [{ exists: false }] } } },
    ],
    ['a numeric range', { detail: { data: { size: [{ numeric: ['>', 0, '<=', 12] }] } } }],
    ['a numeric equality', { detail: { data: { size: [{ numeric: ['=', 12] }] } } }],
    ['one side of $or', { $or: [{ source: ['other'] }, { 'detail-type': ['message.received'] }] }],
  ])('%s', (_what, pattern) => {
    expect(compilePattern(pattern)(event)).toBe(true);
  });
});

describe('a pattern does not match', () => {
  test.each<[string, object]>([
    ['another value', { source: ['other'] }],
    ['one field of two', { source: ['omnichannel.livechat'], 'detail-type': ['chat.started'] }],
    ['a number as text', { detail: { data: { size: ['12'] } } }],
    ['null for an absent field', { detail: { data: { nothing: [null] } } }],
    ['a field below a value', { source: { nested: ['x'] } }],
    ['a name that every object inherits', { toString: [{ exists: true }] }],
    ['another prefix', { 'detail-type': [{ prefix: 'chat.' }] }],
    ['a prefix of a number', { detail: { data: { size: [{ prefix: '1' }] } } }],
    ['another suffix', { 'detail-type': [{ suffix: '.sent' }] }],
    ['anything but the value', { source: [{ 'anything-but': ['omnichannel.livechat'] }] }],
    ['anything but the prefix', { source: [{ 'anything-but': { prefix: 'omnichannel.' } }] }],
    ['anything but, for an absent field', { nothing: [{ 'anything-but': 'x' }] }],
    ['exists, for an absent field', { nothing: [{ exists: true }] }],
    ['absence of a field that exists', { source: [{ exists: false }] }],
    ['outside a numeric range', { detail: { data: { size: [{ numeric: ['>', 0, '<', 12] }] } } }],
    ['numeric of text', { source: [{ numeric: ['>=', 0] }] }],
    ['neither side of $or', { $or: [{ source: ['a'] }, { source: ['b'] }] }],
  ])('%s', (_what, pattern) => {
    expect(compilePattern(pattern)(event)).toBe(false);
  });
});

test.each<[unknown, string]>([
  [{ detail: { data: { text: [{ wildcard: '*x' }] } } }, '{"wildcard":"*x"} at detail.data.text'],
  [{ source: [{ 'equals-ignore-case': 'x' }] }, '{"equals-ignore-case":"x"} at source'],
  [{ source: [{ cidr: '10.0.0.0/8' }] }, '{"cidr":"10.0.0.0/8"} at source'],
  [{ source: [{ 'anything-but': { suffix: 'x' } }] }, '{"anything-but":{"suffix":"x"}} at source'],
  [{ source: [{ 'anything-but': [{ prefix: 'x' }] }] }, '{"anything-but":[{"prefix":"x"}]} at source'],
  [{ source: [{ prefix: { 'equals-ignore-case': 'x' } }] }, '{"prefix":{"equals-ignore-case":"x"}} at source'],
  [{ source: [{ suffix: 1 }] }, '{"suffix":1} at source'],
  [{ source: [{ numeric: ['~', 1] }] }, '{"numeric":["~",1]} at source'],
  [{ source: [{ numeric: ['>'] }] }, '{"numeric":[">"]} at source'],
  [{ source: [{ exists: 'yes' }] }, '{"exists":"yes"} at source'],
  [{ source: [{ exists: true, prefix: 'a' }] }, '{"exists":true,"prefix":"a"} at source'],
  [{ source: [['a']] }, '["a"] at source'],
  [{ source: [] }, '[] at source'],
  [{ source: 'a' }, '"a" at source'],
  [{ $or: { source: ['a'] } }, '{"$or":{"source":["a"]}} at the top'],
  ['text', '"text" at the top'],
])('rejects the unsupported pattern %j', (pattern, what) => {
  expect(() => compilePattern(pattern)).toThrow(`${what} of an event pattern is not supported by the local engine`);
});
