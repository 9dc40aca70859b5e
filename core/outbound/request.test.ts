import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../test/depth.ts';
import { executionInput } from '../../test/model/requests.ts';
import type { Part } from '../channel/channel.ts';
import { RequestInvalid } from './errors.ts';
import {
  executionName,
  parseExecutionInput,
  parsePartPlace,
  parseSendRequested,
  parseStepInput,
  rejectedEvent,
  validateRequest,
} from './request.ts';

const runs = propertyRuns(1_000);
const time = '2026-11-22T15:00:00Z';
const data = {
  requestId: 'request-1',
  organizationId: 'organization-1',
  conversationId: 'chat-1',
  messages: [{ type: 'text' as const, content: 'Hi' }],
};

/** EventBridge's event. */
const eventWith = (more: object = {}, envelope: object = {}) => ({
  version: '0',
  id: 'event-1',
  'detail-type': 'message.send.requested',
  source: 'shop',
  time,
  detail: { data: { ...data, ...more } },
  ...envelope,
});
const parts = (...contents: readonly string[]): readonly Part<string>[] =>
  contents.map((content, messageIndex) => ({ messageIndex, splitIndex: 0, content, hasFile: false }));
const composers = (composed: readonly Part<string>[]) => new Map([['livechat', () => composed]]);
const request = (more: object = {}, envelope: object = {}, composed = parts('Hi')) =>
  parseSendRequested(eventWith(more, envelope), composers(composed));

/** The message of the error of an invalid input. */
function invalidity(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    if (error instanceof RequestInvalid) return error.message;
    throw error;
  }
  throw new Error('was valid');
}

describe('the dead letter of a rejected request', () => {
  const content = 'x'.repeat(200_000);
  it('contains the event', () => {
    const event = eventWith({ messages: [] });
    expect(rejectedEvent(event)).toEqual(event);
  });

  it.each([
    ['ids', { messages: [{ type: 'text', content }] }, 'request-1'],
    ['short ids', { requestId: content }, undefined],
  ])('contains only the %s of an event that exceeds the item limit', (_name, more, requestId) => {
    const metadata = { correlationId: 'c', more: content };
    expect(rejectedEvent(eventWith({}, { detail: { metadata, data: { ...data, ...more } } }))).toEqual({
      ...{ id: 'event-1', source: 'shop', 'detail-type': 'message.send.requested', time },
      detail: {
        metadata: { correlationId: 'c' },
        data: { requestId, organizationId: 'organization-1', conversationId: 'chat-1' },
      },
    });
  });
});

describe('a request', () => {
  const hidden = 'a secret of the customer';
  it.each<[string, object, RegExp]>([
    ['an empty requestId', { requestId: '' }, /detail\.data\.requestId: /],
    ['no organization', { organizationId: undefined }, /detail\.data\.organizationId: .*expected string/],
    [
      'an unknown carrier',
      { carrier: 'pager', organizationId: 'pager:1' },
      /^detail\.data\.carrier: expected one of "livechat"$/,
    ],
    [
      'an unknown carrier with the organization of another carrier',
      { carrier: 'pager' },
      /^detail\.data\.carrier: expected one of "livechat"$/,
    ],
    ['a malformed carrier', { carrier: hidden }, /detail\.data\.carrier: expected lower-case letters/],
    [
      'an organization of another carrier',
      { organizationId: 'pager:1' },
      /^detail\.data\.organizationId: expected an id of/,
    ],
    ['a conversation that is not a string', { conversationId: 7 }, /detail\.data\.conversationId: .*expected string/],
    ['a long requestId', { requestId: 'r'.repeat(257) }, /^detail\.data\.requestId: expected at most 256 characters$/],
    [
      'a long organizationId',
      { organizationId: 'o'.repeat(257) },
      /^detail\.data\.organizationId: expected at most 256/,
    ],
    [
      'a long conversationId',
      { conversationId: 'c'.repeat(257) },
      /^detail\.data\.conversationId: expected at most 256/,
    ],
    ['no message', { messages: [] }, /detail\.data\.messages: /],
    ['eleven messages', { messages: Array(11).fill(data.messages[0]) }, /detail\.data\.messages: /],
    ['an unknown type', { messages: [{ type: hidden }] }, /detail\.data\.messages\.0\.type: /],
    ['an unknown option', { options: { onInactive: hidden } }, /detail\.data\.options\.onInactive: /],
    ['an expiry of 0 s', { options: { expiresInSeconds: 0 } }, /options\.expiresInSeconds: /],
    ['an expiry of more than a day', { options: { expiresInSeconds: 86_401 } }, /options\.expiresInSeconds: /],
    ['an expiry in decimals', { options: { expiresInSeconds: 1.5 } }, /options\.expiresInSeconds: /],
    ['a time of the sender that is none', { sentAt: hidden }, /detail\.data\.sentAt: /],
    ['more than 200,000 bytes', { messages: [{ type: 'text', content: hidden.repeat(9_000) }] }, /bytes/],
  ])('with %s is rejected, without its contents in the error', (_name, more, expected) => {
    const message = invalidity(() => request(more));
    expect(message).toMatch(expected);
    expect(message).not.toContain(hidden);
  });

  it.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /expected object/],
    ['an event without a detail', eventWith({}, { detail: undefined }), /detail: .*expected object/],
    ['an event without a time', eventWith({}, { time: 5 }), /^time: /],
    ['an event whose time is none', eventWith({}, { time: 'yesterday' }), /^time: /],
  ])('is rejected where the event is %s', (_name, event, expected) => {
    expect(invalidity(() => parseSendRequested(event, composers(parts('Hi'))))).toMatch(expected);
  });

  it('names every invalid field at once', () => {
    expect(invalidity(() => request({ requestId: 1, messages: 'Hi' }))).toMatch(/requestId: .*; .*messages: /);
  });

  it('names the first ten invalid fields, and the number of the others', () => {
    const messages = Array.from({ length: 10 }, () => ({
      type: 'text',
      content: 'Hi',
      visibility: hidden,
      metadata: hidden,
    }));
    const message = invalidity(() => request({ messages }));
    expect(message.match(/detail\.data\.messages\.\d\.(?:visibility|metadata): /g)).toHaveLength(10);
    expect(message).toMatch(/; and 10 more$/);
  });

  it.each([
    ['15 min by default', {}, 900],
    ['a second at least', { expiresInSeconds: 1 }, 1],
    ['a day at most', { expiresInSeconds: 86_400 }, 86_400],
  ])('expires after %s', (_name, options, seconds) => {
    expect(request({ options })).toMatchObject({ requestedAt: Date.parse(time), expiresInMs: seconds * 1000 });
  });

  it('is of the organization in lower case, as in the events', () => {
    const { organizationId, parts: composed } = request();
    expect(request({ organizationId: 'ORGANIZATION-1' })).toMatchObject({ organizationId, parts: composed });
  });

  it('resumes and joins by default', () => {
    expect(request()).toMatchObject({ options: { onInactive: 'resume', onAbsent: 'join' } });
    const options = { onInactive: 'fail', onAbsent: 'transfer' };
    expect(request({ options })).toMatchObject({ options });
  });

  it.each([
    ['the event’s id', {}, 'event-1', 'event-1'],
    ['its metadata', { metadata: { id: 'm', correlationId: 'c' } }, 'c', 'm'],
    ['a part of its metadata', { metadata: { correlationId: 'c' } }, 'c', 'event-1'],
    ['the event’s id instead of empty ones', { metadata: { id: '', correlationId: '' } }, 'event-1', 'event-1'],
  ])('is correlated by %s', (_name, more, correlationId, causationId) => {
    expect(request({}, { detail: { data, ...more } })).toMatchObject({ correlationId, causationId });
  });

  it('is validated before it is published as its event will be', () => {
    const now = Date.parse(time);
    expect(validateRequest(data, composers(parts('Hi')), now)).toMatchObject({
      hash: request().hash,
      requestedAt: now,
    });
    expect(() => validateRequest({ ...data, requestId: '' }, composers(parts('Hi')), now)).toThrow(RequestInvalid);
  });
});

describe('the hash of a request', () => {
  const name = fc.string({ minLength: 1 });
  const text = (content: string) => ({ messages: [{ type: 'text', content }] });

  it('changes with its conversation, its messages and its options, and with nothing else', () => {
    fc.assert(
      fc.property(name, name, name, name, (here, there, content, other) => {
        const { hash } = request({ conversationId: here, ...text(content) });
        const envelope = { id: 'other', time: '2026-11-23T15:00:00Z' };
        expect(request({ conversationId: here, ...text(content), sentAt: 5 }, envelope).hash).toBe(hash);
        expect(request({ conversationId: there, ...text(content) }).hash === hash).toBe(here === there);
        expect(request({ conversationId: here, ...text(other) }).hash === hash).toBe(content === other);
        const options = { onInactive: 'fail' };
        expect(request({ conversationId: here, ...text(content), options }).hash).not.toBe(hash);
      }),
      runs,
    );
  });

  it('does not depend on the order of keys', () => {
    const message = { type: 'text', content: 'Hi' };
    const reversed = Object.fromEntries(Object.entries(message).reverse());
    expect(request({ messages: [reversed] }).hash).toBe(request({ messages: [message] }).hash);
  });
});

describe('a part', () => {
  const place = fc.record({
    messageIndex: fc.nat(9),
    splitIndex: fc.nat(24),
    content: fc.string(),
    hasFile: fc.boolean(),
  });
  const list = fc.uniqueArray(place, {
    selector: ({ messageIndex, splitIndex }) => `${messageIndex} ${splitIndex}`,
    maxLength: 12,
  });
  /** A name without `:`, which separates the carrier from the id. */
  const name = fc.string({ minLength: 1, maxLength: 50 }).map((text) => text.replaceAll(':', '.'));

  it('has an id of its own, the same for every duplicate of the event', () => {
    fc.assert(
      fc.property(name, name, list, (requestId, organizationId, composed) => {
        const ids = (envelope = {}) =>
          request({ requestId, organizationId }, envelope, composed).parts.map(({ id }) => id);
        expect(ids({ id: 'another event' })).toEqual(ids());
        expect(new Set(ids()).size).toBe(composed.length);
        for (const id of ids()) expect(id).toMatch(/^out-[0-9a-f]{32}-\d+\.\d+$/);
      }),
      runs,
    );
  });

  it('has another id in another request or organization', () => {
    fc.assert(
      fc.property(name, name, name, (one, another, organizationId) => {
        fc.pre(one !== another);
        const id = (requestId: string, organization: string) =>
          request({ requestId, organizationId: organization }).parts[0]?.id;
        const ids = [id(one, organizationId), id(another, organizationId), id(one, `${organizationId}'`)];
        expect(new Set(ids).size).toBe(3);
      }),
      runs,
    );
  });

  it('has its place in the request in its id', () => {
    const composed = [...parts('a', 'b'), { messageIndex: 9, splitIndex: 12, content: 'c', hasFile: false }];
    const [, second, last] = request({}, {}, composed).parts;
    expect(parsePartPlace(second?.id ?? '')).toEqual({ messageIndex: 1, splitIndex: 0 });
    expect(parsePartPlace(last?.id ?? '')).toEqual({ messageIndex: 9, splitIndex: 12 });
    expect(parsePartPlace('out-other')).toBeUndefined();
  });
});

describe('the input of an execution', () => {
  it('is read with the turn of a wait', () => {
    const input = executionInput({ deliveries: [{ id: 'a' }, { id: 'b', hasFile: true }], redrive: 1, redrivenAt: 5 });
    expect(parseStepInput({ request: input })).toEqual({ request: input });
    const turn = { until: time, seconds: 1, slot: { at: 5, epoch: 2 } };
    expect(parseStepInput({ request: input, turn, error: {} })).toEqual({ request: input, turn });
    expect(parseExecutionInput({ request: input, turn })).toEqual(input);
  });

  it.each<[string, unknown, RegExp]>([
    ['is nothing', undefined, /expected object/],
    ['lacks the request', {}, /^request: /],
    ['has another version', { request: { ...executionInput(), version: 2 } }, /^request\.version: /],
    ['lacks a field', { request: { ...executionInput(), expiresAt: undefined } }, /^request\.expiresAt: /],
    ['has a slot that is none', { request: executionInput(), turn: { slot: { at: 'x' } } }, /^turn\.slot\.at: /],
  ])('that %s is rejected, and names the field', (_name, input, expected) => {
    expect(invalidity(() => parseStepInput(input))).toMatch(expected);
    expect(parseExecutionInput(input)).toBeUndefined();
  });

  it('has a name for each request and redrive, within the limits of Step Functions', () => {
    const names = [
      executionName(executionInput()),
      executionName(executionInput({ redrive: 1 })),
      executionName(executionInput({ requestId: 'other' })),
      executionName(executionInput({ organizationId: 'other' })),
    ];
    expect(new Set(names).size).toBe(4);
    for (const name of names) expect(name).toMatch(/^[0-9a-zA-Z_-]{1,80}$/);
    expect(executionName(executionInput({ orderKey: 9, conversationId: 'other' }))).toBe(names[0]);
  });
});
