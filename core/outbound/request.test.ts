import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sendInput } from '../../test/fixtures.ts';
import { InputUnsupported, RequestInvalid } from './errors.ts';
import { sendInputVersion } from './machine.ts';
import { type Piece, parseSendInput, parseSendState, requestOf, type SendState } from './request.ts';

const runs = { numRuns: 1_000 };
const time = '2026-11-22T15:00:00Z';
const data = {
  requestId: 'request-1',
  organizationId: 'organization-1',
  conversationId: 'chat-1',
  messages: [{ type: 'text', content: 'Hi' }],
};

/** The machine's input, as EventBridge makes it of an event. */
function stateWith(more: object = {}, envelope: object = {}): unknown {
  return {
    version: '0',
    id: 'event-1',
    'detail-type': 'message.send.requested',
    source: 'shop',
    time,
    detail: { data: { ...data, ...more } },
    ...envelope,
  };
}

const pieces = (...contents: readonly string[]): readonly Piece<string>[] =>
  contents.map((content, messageIndex) => ({ messageIndex, splitIndex: 0, content }));
const request = (more: object = {}, envelope: object = {}, parts = pieces('Hi')) =>
  requestOf(parseSendState(stateWith(more, envelope)), () => parts);

/** What a refused input is told. */
function refusal(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    if (error instanceof RequestInvalid) return error.message;
    throw error;
  }
  throw new Error('was accepted');
}

describe('the input of functions/send', () => {
  it.each(Array.from({ length: sendInputVersion }, (_, index) => index + 1))(
    'of version %i is read, which runs bring along that have waited over a deployment',
    (version) => {
      const recorded = sendInput(version);
      expect(recorded.version).toBe(version);
      const { execution, state } = parseSendInput(recorded);
      expect(execution).toMatch(/^arn:aws:states:.*:execution:/);
      const request = requestOf(state, () => pieces('Your parcel has left.'));
      expect({ ...request, parts: request.parts.length, deferred: state.deferral !== undefined }).toEqual({
        organizationId: '7d1b0c52-9e44-4f0a-8a6e-2f63c1e0b9d4',
        conversationId: 'T8RM2K0V9X',
        requestId: 'order-1042',
        parts: 1,
        options: { onInactive: 'append', onAbsent: 'join' },
        requestedAt: Date.parse('2026-11-22T15:00:00Z'),
        publishedAt: Date.parse('2026-11-22T15:00:00Z'),
        expiresAt: Date.parse('2026-11-22T16:00:00Z'),
        redrive: 0,
        correlationId: 'order-1042',
        causationId: 'event-1',
        deferred: true,
      });
    },
  );

  it('of a newer version is refused by a message that says what to do', () => {
    const newer = { ...sendInput(sendInputVersion), version: sendInputVersion + 1 };
    expect(() => parseSendInput(newer)).toThrow(InputUnsupported);
    expect(() => parseSendInput(newer)).toThrow(/^version 2 of .* expected 1; deploy .* redrive/);
  });

  it.each([0, 1.5, '1', undefined])('of version %s is refused, and the version named', (version) => {
    const message = refusal(() => parseSendInput({ version, execution: 'arn', input: stateWith() }));
    expect(message).toMatch(/^version: .*expected/);
  });

  it.each<[string, unknown, RegExp]>([
    ['is nothing', undefined, /^\(root\): .*expected object/],
    ['has no execution', { version: 1, input: stateWith() }, /^execution: .*expected string/],
    ['has no input', { version: 1, execution: 'arn' }, /^input: /],
    ['has no event', { version: 1, execution: 'arn', input: {} }, /detail: .*expected object/],
    ['has an event without a time', { version: 1, execution: 'arn', input: stateWith({}, { time: 5 }) }, /^time: /],
    [
      'has an event whose time is none',
      { version: 1, execution: 'arn', input: stateWith({}, { time: 'yesterday' }) },
      /^time: /,
    ],
  ])('that %s is refused, and the field named', (_name, given, expected) => {
    expect(refusal(() => parseSendInput(given))).toMatch(expected);
  });
});

describe('a request', () => {
  const hidden = 'a secret of the customer';
  it.each<[string, object, RegExp]>([
    ['a requestId', { requestId: '' }, /detail\.data\.requestId: /],
    ['an organization', { organizationId: undefined }, /detail\.data\.organizationId: .*expected string/],
    ['a conversation', { conversationId: 7 }, /detail\.data\.conversationId: .*expected string/],
    ['a message', { messages: [] }, /detail\.data\.messages: /],
    ['no more than ten messages', { messages: Array(11).fill(data.messages[0]) }, /detail\.data\.messages: /],
    ['a type that can be sent', { messages: [{ type: hidden }] }, /detail\.data\.messages\.0\.type: /],
    ['a known choice', { options: { onInactive: hidden } }, /detail\.data\.options\.onInactive: /],
    ['a second at least', { options: { expiresInSeconds: 0 } }, /options\.expiresInSeconds: /],
    ['a day at most', { options: { expiresInSeconds: 86_401 } }, /options\.expiresInSeconds: /],
    ['whole seconds', { options: { expiresInSeconds: 1.5 } }, /options\.expiresInSeconds: /],
    [
      'no more than the state machine can hold',
      { messages: [{ type: 'text', content: hidden.repeat(9_000) }] },
      /bytes/,
    ],
  ])('needs %s, and is told so without its contents', (_name, more, expected) => {
    const message = refusal(() => request(more));
    expect(message).toMatch(expected);
    expect(message).not.toContain(hidden);
  });

  it('names all fields that do not fit at once', () => {
    const message = refusal(() => request({ requestId: 1, messages: 'Hi' }));
    expect(message).toMatch(/requestId: .*; .*messages: /);
  });

  it.each([
    ['15 min unless told otherwise', {}, 900],
    ['a second at the least', { expiresInSeconds: 1 }, 1],
    ['a day at the most', { expiresInSeconds: 86_400 }, 86_400],
  ])('expires after %s', (_name, options, seconds) => {
    const { publishedAt, expiresAt } = request({ options });
    expect(publishedAt).toBe(Date.parse(time));
    expect(expiresAt - publishedAt).toBe(seconds * 1000);
  });

  it('expires by the time of its redrive, when it is redriven', () => {
    const at = Date.parse('2026-11-23T09:00:00Z');
    expect(request({}, { redrive: { number: 2, at } })).toMatchObject({
      redrive: 2,
      requestedAt: Date.parse(time),
      publishedAt: at,
      expiresAt: at + 900_000,
    });
  });

  it('resumes and joins unless told otherwise', () => {
    expect(request()).toMatchObject({ options: { onInactive: 'resume', onAbsent: 'join' }, redrive: 0 });
    const options = { onInactive: 'fail', onAbsent: 'transfer' };
    expect(request({ options })).toMatchObject({ options });
  });

  it.each([
    ['the event’s id', {}, 'event-1', 'event-1'],
    ['its metadata, if any', { metadata: { id: 'm', correlationId: 'c' } }, 'c', 'm'],
    ['what there is of its metadata', { metadata: { correlationId: 'c' } }, 'c', 'event-1'],
  ])('is correlated by %s', (_name, more, correlationId, causationId) => {
    expect(request({}, { detail: { data, ...more } })).toMatchObject({ correlationId, causationId });
  });
});

describe('a part', () => {
  const place = fc.record({ messageIndex: fc.nat(9), splitIndex: fc.nat(40), content: fc.string() });
  const list = fc.uniqueArray(place, {
    selector: ({ messageIndex, splitIndex }) => `${messageIndex} ${splitIndex}`,
    maxLength: 12,
  });
  const name = fc.string({ minLength: 1 });
  const partsOf = (more: object, parts: readonly Piece<string>[], envelope: object = {}) =>
    request(more, envelope, parts).parts;

  it('has an id of its own, which is the same at every try', () => {
    fc.assert(
      fc.property(name, name, list, (requestId, organizationId, parts) => {
        const ids = partsOf({ requestId, organizationId }, parts).map(({ id }) => id);
        const redriven = { id: 'another event', redrive: { number: 1, at: 5 } };
        expect(partsOf({ requestId, organizationId }, parts, redriven).map(({ id }) => id)).toEqual(ids);
        expect(new Set(ids).size).toBe(parts.length);
        for (const id of ids) expect(id).toMatch(/^out-[0-9a-f]{32}$/);
      }),
      runs,
    );
  });

  it('has another id in another request or organization', () => {
    fc.assert(
      fc.property(name, name, name, (one, another, organizationId) => {
        fc.pre(one !== another);
        const [a] = partsOf({ requestId: one, organizationId }, pieces('Hi'));
        const [b] = partsOf({ requestId: another, organizationId }, pieces('Hi'));
        const [c] = partsOf({ requestId: one, organizationId: `${organizationId}'` }, pieces('Hi'));
        expect(new Set([a?.id, b?.id, c?.id]).size).toBe(3);
      }),
      runs,
    );
  });

  it('has a fingerprint that changes with its content and its conversation, and with nothing else', () => {
    fc.assert(
      fc.property(name, name, fc.string(), fc.string(), (here, there, content, other) => {
        const of = (conversationId: string, text: string, more: object = {}) =>
          partsOf({ conversationId, ...more }, pieces(text))[0]?.fingerprint;
        const fingerprint = of(here, content);
        expect(of(here, content, { requestId: 'other', options: { expiresInSeconds: 5 } })).toBe(fingerprint);
        expect(of(there, content) === fingerprint).toBe(here === there);
        expect(of(here, other) === fingerprint).toBe(content === other);
      }),
      runs,
    );
  });

  it('has the same fingerprint however its content’s keys are ordered', () => {
    const state: SendState = parseSendState(stateWith());
    const of = (content: object) =>
      requestOf(state, () => [{ messageIndex: 0, splitIndex: 0, content }]).parts[0]?.fingerprint;
    expect(of({ a: 1, b: { c: 2, d: 3 } })).toBe(of({ b: { d: 3, c: 2 }, a: 1 }));
  });
});
