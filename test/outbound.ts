import { randomUUID } from 'node:crypto';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import * as z from 'zod/mini';
import { organizationId, type RunningLocal } from './local.ts';
import { awsClientConfig } from './local-aws.ts';

const started = z.object({ chat_id: z.string(), thread_id: z.string() });
const chatView = z.looseObject({
  active: z.boolean(),
  events: z.array(
    z.looseObject({
      id: z.string(),
      custom_id: z.optional(z.string()),
      text: z.optional(z.string()),
      type: z.string(),
    }),
  ),
});
const calls = z.object({
  methods: z.record(z.string(), z.object({ count: z.number(), accepted: z.number(), rate_limited: z.number() })),
  arrivals: z.array(z.looseObject({ chat_id: z.string(), custom_id: z.nullish(z.string()), at: z.string() })),
});

/** Acts as another service on the bus and as the customer in the simulator, and reads the results. */
export function outbound(local: RunningLocal) {
  const bus = new EventBridgeClient(awsClientConfig(local));
  const simulator = async (method: string, path: string, body?: object): Promise<unknown> => {
    const answer = await fetch(new URL(path, local.livechat), {
      method,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const parsed: unknown = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(parsed)}`);
    return parsed;
  };
  /** Puts any event on the bus. */
  const put = async (source: string, detailType: string, detail: object): Promise<void> => {
    const entry = { Source: source, DetailType: detailType, Detail: JSON.stringify(detail), EventBusName: local.bus };
    const { FailedEntryCount } = await bus.send(new PutEventsCommand({ Entries: [entry] }));
    if (FailedEntryCount) throw new Error('the bus rejected the event');
  };
  return {
    simulator,
    put,
    /** Starts a chat, by default with the agent that the bridge sends as. Returns its id. */
    async chat(more: object = {}): Promise<string> {
      return started.parse(
        await simulator('POST', '/simulator/chats', { customer: { name: 'Dana' }, text: 'Hello', ...more }),
      ).chat_id;
    },
    act: (chatId: string, action: object) => simulator('POST', `/simulator/chats/${chatId}/events`, action),
    fault: (fault: object) => simulator('POST', '/simulator/faults', fault),
    async clearFaults(): Promise<void> {
      await simulator('DELETE', '/simulator/faults');
    },
    /** The texts, or else the event types, of the bridge's messages in a chat. */
    async sentTexts(chatId: string): Promise<string[]> {
      const { events } = chatView.parse(await simulator('GET', `/simulator/chats/${chatId}`));
      return events.flatMap(({ custom_id, text, type }) => (custom_id?.startsWith('out-') ? [text ?? type] : []));
    },
    /** A conversation in the console's API. */
    read: async (conversationId: string, organization = organizationId) =>
      (await local.api(`/api/conversations/${conversationId}?organizationId=${organization}`)).body,
    /** Pauses or resumes an organization. Returns its rate limit. */
    async rateLimit(what: 'pause' | 'resume', organization = organizationId): Promise<unknown> {
      const address = new URL(`/api/rate-limits/${organization}`, local.console);
      return (await fetch(address, { method: 'POST', body: JSON.stringify({ do: what }) })).json();
    },
    calls: async () => calls.parse(await simulator('GET', '/simulator/calls')),
    /** Puts a send request on the bus. Returns its requestId. */
    async send(conversationId: string, data: object = {}): Promise<string> {
      const requestId = randomUUID();
      const request = { requestId, organizationId, conversationId, messages: [{ type: 'text', content: 'Hi' }] };
      await put('shop', 'message.send.requested', { data: { ...request, ...data } });
      return requestId;
    },
    /** Waits until all executions have ended and their events are processed. */
    async waitForExecutions(): Promise<void> {
      const answer = await fetch(`${local.aws}/_local/idle?executions=wait`);
      if (!answer.ok) throw new Error(`not idle: ${answer.status}`);
    },
    async deadLetters(conversationId: string): Promise<z.infer<typeof deadLetterList>['deadLetters']> {
      const { body } = await local.api('/api/dead-letters');
      return deadLetterList.parse(body).deadLetters.filter((one) => one.conversationId === conversationId);
    },
    async redrive(id: string, body?: { readonly force: boolean }): Promise<number> {
      const url = new URL(`/api/dead-letters/${id}/redrive`, local.console);
      return (await fetch(url, { method: 'POST', ...(body && { body: JSON.stringify(body) }) })).status;
    },
    text: (content: string) => ({ messages: [{ type: 'text', content }] }),
  };
}

const deadLetterList = z.object({
  deadLetters: z.array(
    z.object({
      id: z.string(),
      conversationId: z.string(),
      errorName: z.string(),
      errorMessage: z.string(),
      kind: z.string(),
      redrives: z.number(),
    }),
  ),
});
