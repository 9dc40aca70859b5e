import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { describe, expect, it } from 'vitest';
import { respondWith, startServer } from '../test/http-server.ts';
import { organizationId } from '../test/local.ts';
import { awsClientConfig } from '../test/local-aws.ts';
import { outbound } from '../test/outbound.ts';
import { sharedLocal } from '../test/shared-local.ts';
import { RequestInvalid, RequestRejectedError, type SendRequest, sendMessages } from './send.ts';

const request: SendRequest = {
  requestId: 'order-4711',
  organizationId,
  conversationId: 'CHAT',
  messages: [{ type: 'text', content: 'Hi' }],
};

/** Sends to a bus that answers with one entry. Returns the entries that it received. */
async function sendTo(entry: object, more: Partial<SendRequest> = {}, options = {}) {
  const bus = await startServer(
    respondWith(200, { Entries: [entry] }, { 'content-type': 'application/x-amz-json-1.1' }),
  );
  try {
    const client = new EventBridgeClient(awsClientConfig({ aws: bus.url }));
    const requestId = await sendMessages(client, { ...request, ...more }, { source: 'shop', ...options });
    const [call] = bus.received.map(({ body }) => JSON.parse(body.toString()).Entries);
    return { requestId, entries: call };
  } finally {
    await bus.stop();
  }
}
const accepted = { EventId: 'e' };

describe('sendMessages', () => {
  it('sends through the bridge, once for each requestId', async () => {
    const local = await sharedLocal();
    const client = new EventBridgeClient(awsClientConfig(local));
    const customer = outbound(local);
    const conversationId = await customer.chat();
    await local.idle();
    const send = () =>
      sendMessages(client, { ...request, requestId: `kit-${conversationId}`, conversationId }, { source: 'shop' });
    expect(await send()).toBe(`kit-${conversationId}`);
    await send();
    await customer.waitForExecutions();
    expect(await customer.sentTexts(conversationId)).toEqual(['Hi']);
  });

  it('puts the request on the bus with its time and its cause', async () => {
    const causedBy = { id: 'cause', correlationId: 'c', organizationId: 'not part of it' };
    const { requestId, entries } = await sendTo(accepted, {}, { busName: 'omnichannel-dev', causedBy });
    expect(requestId).toBe('order-4711');
    expect(entries).toMatchObject([
      { Source: 'shop', DetailType: 'message.send.requested', EventBusName: 'omnichannel-dev' },
    ]);
    const { metadata, data } = JSON.parse(entries[0].Detail);
    expect(metadata).toEqual({ id: 'cause', correlationId: 'c' });
    expect(data).toEqual({ ...request, sentAt: expect.closeTo(Date.now(), -5) });
  });

  it.each<[string, object]>([
    ['exceeds the limit including `causedBy`', { id: 'i'.repeat(100), correlationId: 'c'.repeat(100) }],
    ['has a `causedBy.id` that is not a string', { id: 7, correlationId: 'c' }],
  ])('rejects a request that %s before the call', async (_name, causedBy) => {
    const messages: SendRequest['messages'] = [{ type: 'text', content: 'x'.repeat(199_750) }];
    await expect(sendTo(accepted, { messages })).resolves.toBeDefined();
    await expect(sendTo(accepted, { messages }, { causedBy })).rejects.toThrow(/^detail(\.metadata\.id)?: .*expected/);
  });

  it("keeps the sender's time, and generates an id for each request without one", async () => {
    const { requestId: _, ...anonymous } = request;
    const first = await sendTo(accepted, { ...anonymous, requestId: undefined, sentAt: 1 });
    const second = await sendTo(accepted, { ...anonymous, requestId: undefined });
    expect(JSON.parse(first.entries[0].Detail).data).toMatchObject({ requestId: first.requestId, sentAt: 1 });
    expect(second.requestId).not.toBe(first.requestId);
  });

  it.each([
    ['no message', { messages: [] }, /messages/],
    ['eleven messages', { messages: Array.from({ length: 11 }, () => request.messages).flat() }, /messages/],
    ['an empty text', { messages: [{ type: 'text', content: '' }] }, /messages\.0\.content/],
    ['no organization', { organizationId: '' }, /organizationId/],
    ['more than 200,000 bytes', { messages: [{ type: 'text', content: 'x'.repeat(200_000) }] }, /200000 bytes/],
  ] satisfies [string, Partial<SendRequest>, RegExp][])(
    'rejects %s before it calls AWS',
    async (_what, more, field) => {
      const client = new EventBridgeClient(awsClientConfig({ aws: 'http://127.0.0.1:9' }));
      const sending = sendMessages(client, { ...request, ...more }, { source: 'shop' });
      await expect(sending).rejects.toThrow(RequestInvalid);
      await expect(sending).rejects.toThrow(field);
    },
  );

  it.each(['', 'aws.shop'])('rejects the source "%s" before it calls AWS', async (source) => {
    const client = new EventBridgeClient(awsClientConfig({ aws: 'http://127.0.0.1:9' }));
    await expect(sendMessages(client, request, { source })).rejects.toThrow(
      new RequestInvalid('source: expected the name of your service'),
    );
  });

  it.each([
    ['ThrottlingException', true],
    ['InternalFailure', true],
    ['NotAuthorizedForSourceException', false],
  ])('throws when the bus rejects the entry with %s', async (code, retryable) => {
    const sending = sendTo({ ErrorCode: code, ErrorMessage: 'reason' });
    await expect(sending).rejects.toThrow(RequestRejectedError);
    await expect(sending).rejects.toThrow(expect.objectContaining({ code, retryable }));
    await expect(sending).rejects.toThrow('order-4711');
  });
});
