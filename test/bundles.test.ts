import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { translate } from '../core/livechat/translate.ts';
import { sendInputVersion } from '../core/outbound/machine.ts';
import { bundle } from '../stacks/build/bundle.ts';
import { type FunctionName, functions, queues } from '../stacks/topology.ts';
import { invokeBundle } from './bundled.ts';
import { busEvents, eventsFor, toBusEvent } from './bus-events.ts';
import { fixture, sendInput } from './fixtures.ts';
import { type Local, startLocal } from './local.ts';
import { awsClientConfig } from './local-aws.ts';
import { outbound } from './outbound.ts';

const message = { ...fixture('incoming_event.message.customer.json'), organization_id: randomUUID() };
const events = busEvents(randomUUID());

const webhookCall = {
  version: '2.0',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(message),
  isBase64Encoded: false,
};

/** A dead letter from EventBridge. */
const deadLetter = {
  Records: [
    {
      messageId: 'm1',
      body: JSON.stringify(events[0]),
      messageAttributes: { ERROR_CODE: { stringValue: 'NO_PERMISSIONS' } },
    },
  ],
};

describe('the bundle of', () => {
  let local: Local;
  let environment: Record<string, string>;
  let folder: string;
  const files = new Map<string, string>();
  const invoke = (name: FunctionName, event: unknown, more: Record<string, string> = {}) =>
    invokeBundle({ name, file: files.get(name) ?? '', memoryMb: functions[name].memoryMb }, event, {
      ...environment,
      ...more,
    });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livechat-bundles-'));
    const built = Object.entries(functions).map(async ([name, { handler }]) => {
      const { file } = await bundle(handler.replace(/\.handler$/, '.ts'), join(folder, name));
      files.set(name, file);
    });
    [local] = await Promise.all([startLocal(), ...built]);
    const sqs = new SQSClient(awsClientConfig(local));
    const { QueueUrl = '' } = await sqs.send(new GetQueueUrlCommand({ QueueName: queues.deadLetters }));
    environment = { ...local.environment, DEAD_LETTER_QUEUE_URL: QueueUrl };
  }, 60_000);
  afterAll(async () => {
    await local.stop();
    await rm(folder, { recursive: true });
  });

  const byRules = Object.keys(functions)
    .filter(isFunction)
    .filter((name) => eventsFor(name, events).length > 0);
  const ownTests: readonly FunctionName[] = ['webhook', 'send', 'dead-letter'];

  it('every function of the topology is tested', () => {
    expect([...byRules, ...ownTests].toSorted()).toEqual(Object.keys(functions).toSorted());
  });

  it.concurrent.each(byRules)('%s handles its event', async (name) => {
    const { error, log } = await invoke(name, eventsFor(name, events)[0]);
    expect(error).toBeUndefined();
    expect(log.join('\n')).toMatch(/"EventsHandled":1/);
  });

  it('webhook puts the message on the bus', async () => {
    const { result } = await invoke('webhook', webhookCall);
    expect(result).toMatchObject({ statusCode: 200, body: '{"success":true}' });
    const stored = () => local.api(`/api/conversations/T8RM2K0V9X?organizationId=${message.organization_id}`);
    await expect.poll(async () => (await stored()).body).toMatchObject({ messages: [{ direction: 'inbound' }] });
  });

  const versions = Array.from({ length: sendInputVersion }, (_, index) => index + 1);
  it.each(versions)('send handles an input of version %i of an execution that has waited', async (version) => {
    const bus = outbound(local);
    const conversationId = await bus.chat();
    const requested = JSON.parse(
      JSON.stringify(sendInput(version))
        .replaceAll('T8RM2K0V9X', conversationId)
        .replaceAll('order-1042', randomUUID())
        .replaceAll('2026-11-22T15:00:00Z', new Date().toISOString()),
    );
    expect(await invoke('send', requested)).toMatchObject({ result: { outcome: 'sent' } });
    expect(await bus.sentTexts(conversationId)).toEqual(['Your parcel has left.']);
  });

  it('send rejects an unsupported version and names it', async () => {
    const { error } = await invoke('send', { ...sendInput(1), version: 99 });
    expect(error).toMatchObject({
      name: 'InputUnsupported',
      message: expect.stringMatching(/^version 99 .*expected 1/),
    });
  });

  it('store-media fetches a file, detects its type and stores it', async () => {
    const { chat, act, simulator } = outbound(local);
    const id = await chat();
    await act(id, { action: 'file', name: 'photo.png' });
    const chatView = z.object({ events: z.array(z.looseObject({ url: z.optional(z.string()) })) });
    const { events } = chatView.parse(await simulator('GET', `/simulator/chats/${id}`));
    const sent = fixture('incoming_event.file.json');
    const { event } = z.object({ event: z.looseObject({}) }).parse(sent.payload);
    const payload = { chat_id: id, thread_id: 'T', event: { ...event, url: events.at(-1)?.url } };
    const at = {
      organizationId: randomUUID(),
      action: 'incoming_event',
      receivedAt: '2026-03-11T11:00:00.000Z',
    } as const;
    const [received] = translate({ ...at, payload }, {}).map(toBusEvent);
    const { error, log } = await invoke('store-media', received);
    expect(error).toBeUndefined();
    expect(log.join('\n')).toMatch(/"MediaStored":1/);
    expect(log.join('\n')).toMatch(/"typeCheck":"match"/);
  });

  it('dead-letter stores the messages of the queue', async () => {
    const { result } = await invoke('dead-letter', deadLetter);
    expect(result).toEqual({ batchItemFailures: [] });
    expect((await local.api('/api/dead-letters')).body).toMatchObject({
      deadLetters: [{ kind: 'event', errorName: 'NO_PERMISSIONS' }],
    });
  });

  describe('a function with an empty secret', () => {
    const unfilled = { SECRET_PREFIX: 'unfilled' };
    const expected =
      /secret unfilled\/default is not filled: expected .*LIVECHAT_WEBHOOK_SECRET.*LIVECHAT_ACCESS_TOKEN/;
    beforeAll(async () => {
      const secrets = new SecretsManagerClient(awsClientConfig(local));
      await secrets.send(new CreateSecretCommand({ Name: 'unfilled/default' }));
    });

    it('responds with 500 and logs the reason once', async () => {
      const { result, log } = await invoke('webhook', webhookCall, unfilled);
      expect(result).toMatchObject({ statusCode: 500, body: '{"error":"Internal server error"}' });
      const errors = log.filter((line) => line.includes('"level":"ERROR"'));
      expect(errors).toEqual([expect.stringMatching(expected)]);
    });

    it('fails with an error that names the secret', async () => {
      const { error } = await invoke('send', sendInput(1), unfilled);
      expect(error).toMatchObject({ name: 'ConfigurationError', message: expect.stringMatching(expected) });
    });
  });
});

function isFunction(name: string): name is FunctionName {
  return Object.hasOwn(functions, name);
}
