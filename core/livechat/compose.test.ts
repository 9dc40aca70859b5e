import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { propertyRuns } from '../../test/depth.ts';
import { fixture } from '../../test/fixtures.ts';
import { RequestInvalid } from '../outbound/errors.ts';
import type { SendEvent } from './api.ts';
import { compose, parseMessages, requestMessage, splitText } from './compose.ts';

describe('composition', () => {
  const composed = (...messages: unknown[]) => compose(messages);
  const parts = (...messages: unknown[]) => composed(...messages).map(({ content }) => content);

  /** The event of a fixture's request without its `custom_id`. */
  function fixtureEvent(name: string): unknown {
    const { event } = fixture(`api/${name}`);
    return { kind: 'event', event: { ...Object(event), custom_id: undefined } };
  }

  describe('compose', () => {
    it('composes a text as LiveChat documents it', () => {
      expect(parts({ type: 'text', content: 'Your parcel left the depot at 07:40.' })).toEqual([
        fixtureEvent('send_event.message.request.json'),
      ]);
    });

    it('composes buttons as LiveChat documents them, with empty user_ids', () => {
      const button = (text: string, value: string, postback_id: string) => ({
        type: 'message',
        text,
        value,
        postback_id,
      });
      const content = {
        templateId: 'quick_replies',
        elements: [
          {
            title: 'Do you want to talk to a human?',
            buttons: [button('Yes, I want a human', 'yes', 'transfer'), button('No, thanks', 'no', 'stay')],
          },
        ],
      };
      expect(parts({ type: 'interactive', content })).toEqual([fixtureEvent('send_event.rich_message.request.json')]);
    });

    it('composes a file on a LiveChat host as a file event', () => {
      const url =
        'https://cdn.livechat-files.com/api/file/lc/att/10000001/0d1e2f3a4b5c6d7e8f90a1b2c3d4e5f6/receipt.png';
      expect(parts({ type: 'media', content: { url, alternativeText: 'Receipt' } })).toEqual([
        fixtureEvent('send_event.file.request.json'),
      ]);
    });

    it.each([
      [{ url: 'https://shop.example/receipt.png' }],
      [{ url: 'https://cdn.livechat-files.com.shop.example/receipt.png' }],
      [{ key: 'organization/conversation/message/receipt.png' }],
    ])('returns a file part for %j, to be uploaded', (source) => {
      const content = { ...source, name: 'receipt.png', alternativeText: 'Receipt' };
      expect(parts({ type: 'media', content }, { type: 'media', content: source })).toEqual([
        { kind: 'file', source, name: 'receipt.png', alternativeText: 'Receipt', visibility: 'all' },
        { kind: 'file', source, visibility: 'all' },
      ]);
    });

    it.each([
      { type: 'text', content: 'Hello' },
      { type: 'media', content: { url: 'https://cdn.files-text.com/a.png' } },
      { type: 'media', content: { key: 'a' } },
      { type: 'interactive', content: { templateId: 'cards', elements: [{ title: 'a' }] } },
    ])('composes %j with visibility agents as a note', (message) => {
      expect(JSON.stringify(parts({ ...message, visibility: 'agents' }))).toContain('"visibility":"agents"');
      expect(JSON.stringify(parts(message))).toContain('"visibility":"all"');
    });
  });

  it('returns the parts in order, with the index of the message and of the part', () => {
    const long = 'word '.repeat(8_000);
    const all = composed(
      { type: 'text', content: 'Hello' },
      { type: 'text', content: long },
      { type: 'text', content: '!' },
    );
    expect(all.map(({ messageIndex, splitIndex }) => [messageIndex, splitIndex])).toEqual([
      [0, 0],
      [1, 0],
      [1, 1],
      [1, 2],
      [2, 0],
    ]);
    const texts = all.map(({ content }) =>
      content.kind === 'event' && content.event.type === 'message' ? content.event.text : '',
    );
    expect(texts.join('')).toBe(`Hello${long}!`);
  });

  it('returns events that match the SendEvent request type', () => {
    const requests: SendEvent[] = composed({ type: 'text', content: 'Hello' }).flatMap(({ content }) =>
      content.kind === 'event' ? [{ chat_id: 'c', event: { ...content.event, custom_id: 'out-1' } }] : [],
    );
    expect(requests).toEqual([
      { chat_id: 'c', event: { type: 'message', text: 'Hello', visibility: 'all', custom_id: 'out-1' } },
    ]);
  });
});

describe('validation', () => {
  const button = { type: 'message', text: 'Yes', value: 'yes', postback_id: 'p' };
  const url = { ...button, type: 'url', value: 'https://shop.example' };
  const webview = { ...url, type: 'webview', webview_height: 'tall' };
  const phone = { ...button, type: 'phone', value: '+48 123 456 789' };

  const cards = (...elements: unknown[]) => ({ type: 'interactive', content: { templateId: 'cards', elements } });
  const withButton = (given: object) => cards({}, { buttons: [button, given] });
  const sticker = (element: object) => ({
    type: 'interactive',
    content: { templateId: 'sticker', elements: [element] },
  });
  const media = (content: unknown) => ({ type: 'media', content });
  const without = (fields: object, name: string) =>
    Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));

  /** The message of the error; undefined for valid messages. */
  function findIssues(messages: unknown): string | undefined {
    try {
      parseMessages(messages);
    } catch (error) {
      if (error instanceof RequestInvalid) return error.message;
      throw error;
    }
    return undefined;
  }

  describe('valid messages', () => {
    it.each([
      { type: 'text', content: 'a' },
      { type: 'text', content: 'a'.repeat(100_000), visibility: 'agents', metadata: { order: 7 } },
      media({ url: 'https://shop.example/a.png', name: 'a.png', alternativeText: 'a' }),
      media({ key: 'a/b/c/d.png' }),
      cards({ title: 'a', subtitle: 'b', image: { url: 'https://shop.example/a.png', alternative_text: 'a' } }),
      cards(...Array(10).fill({ title: 'a', buttons: Array(13).fill(button) })),
      cards({ buttons: [button, url, { ...url, target: 'current' }, webview, phone] }),
      sticker({ image: { url: 'https://shop.example/a.png' } }),
    ])('accepts %j', (message) => {
      expect(findIssues([message])).toBeUndefined();
    });

    it('keeps unknown fields of buttons and elements, and user_ids', () => {
      const message = cards({ brand_new: 1, buttons: [{ ...button, brand_new: 2, user_ids: ['u'] }] });
      expect(parseMessages([message])).toEqual([message]);
    });

    it('opens a webview in full height if its button does not say', () => {
      const message = (button: object) => cards({ buttons: [{ user_ids: [], ...button }] });
      expect(parseMessages([message(without(webview, 'webview_height'))])).toEqual([
        message({ ...webview, webview_height: 'full' }),
      ]);
      expect(parseMessages([message(webview)])).toEqual([message(webview)]);
    });

    it('returns parsed messages unchanged when parsed again', () => {
      const once = parseMessages([cards({ buttons: [button] }), media({ key: 'a' })]);
      expect(parseMessages(once)).toEqual(once);
    });
  });

  describe('invalid messages', () => {
    const at = 'messages.0.content.elements.1.buttons.1';
    const table: [string, unknown, string, string | RegExp][] = [
      ['no message', [], 'messages', />=1 items/],
      ['eleven messages', Array(11).fill({ type: 'text', content: 'a' }), 'messages', /<=10 items/],
      ['messages that are not a list', 'sensitive', 'messages', /expected array/],
      ['an unknown type', [{ type: 'sensitive' }], 'messages.0.type', /'text' \| 'media' \| 'interactive'/],
      ['an empty text', [{ type: 'text', content: '' }], 'messages.0.content', />=1 characters/],
      [
        'a text that is not a string',
        [{ type: 'text', content: ['sensitive'] }],
        'messages.0.content',
        /expected string/,
      ],
      [
        'an unknown visibility',
        [{ type: 'text', content: 'a', visibility: 'sensitive' }],
        'messages.0.visibility',
        /"all"\|"agents"/,
      ],
      ['neither url nor key', [media({})], 'messages.0.content', 'expected either url or key'],
      [
        'url and key',
        [media({ url: 'https://a.example', key: 'k' })],
        'messages.0.content',
        'expected either url or key',
      ],
      [
        'a URL without https',
        [media({ url: 'http://sensitive.example' })],
        'messages.0.content.url',
        'expected an https URL',
      ],
      ['an invalid URL', [media({ url: 'sensitive' })], 'messages.0.content.url', 'expected an https URL'],
      ['an empty key', [media({ key: '' })], 'messages.0.content.key', />=1 characters/],
      [
        'an unknown template',
        [{ type: 'interactive', content: { templateId: 'sensitive', elements: [] } }],
        'messages.0.content.templateId',
        /'cards' \| 'quick_replies' \| 'sticker'/,
      ],
      ['no element', [cards()], 'messages.0.content.elements', />=1 items/],
      ['eleven elements', [cards(...Array(11).fill({}))], 'messages.0.content.elements', /<=10 items/],
      [
        'fourteen buttons',
        [cards({ buttons: Array(14).fill(button) })],
        'messages.0.content.elements.0.buttons',
        /<=13 items/,
      ],
      [
        'an unknown button type',
        [withButton({ ...button, type: 'sensitive' })],
        `${at}.type`,
        /'message' \| 'url' \| 'webview' \| 'phone'/,
      ],
      ['a button without text', [withButton(without(button, 'text'))], `${at}.text`, /expected string/],
      ['a button without value', [withButton(without(button, 'value'))], `${at}.value`, /expected string/],
      ['a button without id', [withButton(without(button, 'postback_id'))], `${at}.postback_id`, /expected string/],
      [
        'an unknown webview height',
        [withButton({ ...webview, webview_height: 'sensitive' })],
        `${at}.webview_height`,
        /"compact"\|"tall"\|"full"/,
      ],
      ['an unknown target', [withButton({ ...url, target: 'sensitive' })], `${at}.target`, /"new"\|"current"/],
      [
        'a button URL without http or https',
        [withButton({ ...url, value: 'javascript:sensitive' })],
        `${at}.value`,
        'expected an http or https URL',
      ],
      [
        'a phone button without digits',
        [withButton({ ...phone, value: 'sensitive' })],
        `${at}.value`,
        'expected a phone number',
      ],
      [
        'user_ids that are not strings',
        [withButton({ ...button, user_ids: [1] })],
        `${at}.user_ids.0`,
        /expected string/,
      ],
      ['an image without url', [cards({ image: {} })], 'messages.0.content.elements.0.image.url', /expected string/],
      ['a sticker without image', [sticker({})], 'messages.0.content.elements.0.image', /expected object/],
    ];

    it.each(table)('reports %s by path and expectation, without the value', (_what, messages, path, message) => {
      const issues = findIssues(messages)?.split('; ');
      expect(issues).toHaveLength(1);
      expect(issues?.[0]).toMatch(message);
      expect(issues?.[0]?.split(': ')[0]).toBe(path);
      expect(issues?.[0]).not.toContain('sensitive');
    });

    it('reports every invalid field at once', () => {
      const issues = findIssues([{ type: 'text', content: '' }, media({ key: '' }), cards({ title: 7 })])?.split('; ');
      expect(issues?.map((issue) => issue.split(': ')[0])).toEqual([
        'messages.0.content',
        'messages.1.content.key',
        'messages.2.content.elements.0.title',
      ]);
    });
  });

  it('converts to JSON Schema', () => {
    expect(z.toJSONSchema(requestMessage, { io: 'input' })).toMatchObject({ oneOf: [{}, {}, {}] });
  });
});

const bytes = (text: string) => Buffer.byteLength(text);

describe('splitText', () => {
  const table: [string, number, string[]][] = [
    ['short', 16, ['short']],
    ['exactly sixteen!', 16, ['exactly sixteen!']],
    ['exactly sixteen!!', 16, ['exactly ', 'sixteen!!']],
    ['one two three', 7, ['one two', ' three']],
    ['one two three', 9, ['one two ', 'three']],
    ['abcdefgh', 4, ['abcd', 'efgh']],
    ['a bcdefghij', 5, ['a ', 'bcdef', 'ghij']],
    ['line\r\nline', 5, ['line', '\r\n', 'line']],
    ['🎉🎉🎉', 8, ['🎉🎉', '🎉']],
    ['🎉🎉🎉', 5, ['🎉', '🎉', '🎉']],
    ['żółć', 5, ['żó', 'łć']],
    ['abce\u0301', 5, ['abc', 'e\u0301']],
    ['ab👍🏽', 8, ['ab', '👍🏽']],
    ['🇵🇱🇪🇺', 12, ['🇵🇱', '🇪🇺']],
    ['👩‍👩‍👧‍👦', 8, ['👩\u200d', '👩\u200d', '👧\u200d', '👦']],
    ['    ', 4, ['    ']],
    ['\ud83c\ud83c\ud83c', 4, ['\ud83c', '\ud83c', '\ud83c']],
  ];
  it.each(table)('splits %j at %i bytes into %j', (text, most, parts) => {
    expect(splitText(text, most)).toEqual(parts);
  });

  it('returns one part for 16 KB and two for one byte more', () => {
    expect(splitText('a'.repeat(16_384))).toHaveLength(1);
    expect(splitText('a'.repeat(16_385)).map(bytes)).toEqual([16_384, 1]);
    expect(splitText('€'.repeat(5_461)).map(bytes)).toEqual([16_383]);
    expect(splitText('€'.repeat(5_462)).map(bytes)).toEqual([16_383, 3]);
  });

  it('splits the largest request within a second', () => {
    const start = performance.now();
    expect(splitText('word '.repeat(40_000))).toHaveLength(13);
    expect(splitText('x'.repeat(200_000))).toHaveLength(13);
    expect(splitText(' '.repeat(200_000))).toHaveLength(13);
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  it('rejects a limit below 4 bytes', () => {
    expect(() => splitText('abc', 3)).toThrow(RangeError);
  });
});

describe('any text', () => {
  const character = fc.oneof(
    fc.constantFrom(
      ' ',
      '\n',
      '\r\n',
      '\t',
      '\u00a0',
      'a',
      'e\u0301',
      'ż',
      '€',
      '漢',
      '🎉',
      '👩‍👩‍👧‍👦',
      '🇵🇱',
      '\u200d',
      '\u0301',
    ),
    fc.string({ unit: 'binary', maxLength: 4 }),
    fc.string({ unit: 'grapheme', maxLength: 4 }),
  );
  const text = fc.array(character, { maxLength: 80 }).map((list) => list.join(''));
  const most = fc.integer({ min: 4, max: 40 });

  it('is split into non-empty parts within the limit that join to the text, without cutting a code point', () => {
    fc.assert(
      fc.property(
        text.filter((given) => given !== ''),
        most,
        (given, limit) => {
          const parts = splitText(given, limit);
          expect(parts.join('')).toBe(given);
          expect(parts.flatMap((part) => [...part])).toEqual([...given]);
          for (const part of parts) {
            expect(part).not.toBe('');
            expect(bytes(part)).toBeLessThanOrEqual(limit);
          }
        },
      ),
      propertyRuns(3_000),
    );
  });

  it('is not split within a word that fits', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'ż', '€', '🎉'), minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), (words) => {
        const parts = splitText(words.join(' '), 17);
        expect(parts.flatMap((part) => part.split(' ').filter(Boolean))).toEqual(words);
      }),
    );
  });
});
