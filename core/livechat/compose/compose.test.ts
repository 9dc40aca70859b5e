import { describe, expect, it } from 'vitest';
import { fixture } from '../../../test/fixtures.ts';
import type { SendEvent } from '../client/requests.ts';
import { composeMessages } from './compose.ts';
import { parseMessages } from './request-message.ts';

const composed = (...messages: unknown[]) => composeMessages(parseMessages(messages));
const parts = (...messages: unknown[]) => composed(...messages).map(({ part }) => part);

/** The event that a fixture's request sends, with the `custom_id` left to the sender. */
function eventOf(name: string): unknown {
  const { event } = fixture(`api/${name}`);
  return { kind: 'event', event: { ...Object(event), custom_id: undefined } };
}

describe('a message', () => {
  it('of text becomes what LiveChat documents', () => {
    expect(parts({ type: 'text', content: 'Your parcel left the depot at 07:40.' })).toEqual([
      eventOf('send_event.message.request.json'),
    ]);
  });

  it('with buttons becomes what LiveChat documents, its buttons clicked by nobody', () => {
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
    expect(parts({ type: 'interactive', content })).toEqual([eventOf('send_event.rich_message.request.json')]);
  });

  it('with a file that LiveChat has becomes what LiveChat documents', () => {
    const url = 'https://cdn.livechat-files.com/api/file/lc/att/10000001/0d1e2f3a4b5c6d7e8f90a1b2c3d4e5f6/receipt.png';
    expect(parts({ type: 'media', content: { url, alternativeText: 'Receipt' } })).toEqual([
      eventOf('send_event.file.request.json'),
    ]);
  });

  it.each([
    [{ url: 'https://shop.example/receipt.png' }],
    [{ url: 'https://cdn.livechat-files.com.shop.example/receipt.png' }],
    [{ key: 'organization/conversation/message/receipt.png' }],
  ])('with a file of ours, %j, is left to be uploaded', (source) => {
    const content = { ...source, name: 'receipt.png', alternativeText: 'Receipt' };
    expect(parts({ type: 'media', content }, { type: 'media', content: source })).toEqual([
      { kind: 'file', source, name: 'receipt.png', alternativeText: 'Receipt', visibility: 'all' },
      { kind: 'file', source, visibility: 'all' },
    ]);
  });

  it('with a file on a host of the setting is sent as it is', () => {
    const messages = parseMessages([{ type: 'media', content: { url: 'https://files.example/a.png' } }]);
    expect(composeMessages(messages, { fileHosts: ['files.example'] })).toMatchObject([
      { part: { kind: 'event', event: { type: 'file', url: 'https://files.example/a.png' } } },
    ]);
  });

  it.each([
    { type: 'text', content: 'Hello' },
    { type: 'media', content: { url: 'https://cdn.files-text.com/a.png' } },
    { type: 'media', content: { key: 'a' } },
    { type: 'interactive', content: { templateId: 'cards', elements: [{ title: 'a' }] } },
  ])('%j for agents is a note', (message) => {
    expect(JSON.stringify(parts({ ...message, visibility: 'agents' }))).toContain('"visibility":"agents"');
    expect(JSON.stringify(parts(message))).toContain('"visibility":"all"');
  });
});

it('parts come in order, and name their message and their place in it', () => {
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
  const texts = all.map(({ part }) => (part.kind === 'event' && part.event.type === 'message' ? part.event.text : ''));
  expect(texts.join('')).toBe(`Hello${long}!`);
});

it('an event can be sent as it is composed', () => {
  const requests: SendEvent[] = composed({ type: 'text', content: 'Hello' }).flatMap(({ part }) =>
    part.kind === 'event' ? [{ chat_id: 'c', event: { ...part.event, custom_id: 'out-1' } }] : [],
  );
  expect(requests).toEqual([
    { chat_id: 'c', event: { type: 'message', text: 'Hello', visibility: 'all', custom_id: 'out-1' } },
  ]);
});
