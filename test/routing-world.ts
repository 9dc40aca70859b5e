import { expect } from 'vitest';
import * as z from 'zod/mini';
import { type Local, organizationId, pollOptions } from './local.ts';
import { outbound } from './outbound.ts';
import type { watchBus } from './watch-bus.ts';

const chatView = z.looseObject({
  messages: z.array(z.unknown()),
  routing: z.array(z.looseObject({ threadId: z.string() })),
});
const routedData = z.looseObject({ conversationId: z.string() });

/** {@link outbound} with the routing API, and with waits for the state of a chat. */
export function routingWorld(local: Local, bus: Awaited<ReturnType<typeof watchBus>>) {
  const world = outbound(local);
  const send = async (path: string, body: object) => {
    const answer = await fetch(new URL(path, local.console), { method: 'POST', body: JSON.stringify(body) });
    return { status: answer.status, body: await answer.json() };
  };
  /** The stored chat, once its webhooks up to the message with `text` are processed. */
  const readChat = async (chatId: string, text?: string) => {
    const read = () => local.api(`/api/conversations/${chatId}?organizationId=${organizationId}`);
    const arrived = async () => {
      const { status, body } = await read();
      return status === 200 && (text === undefined || JSON.stringify(chatView.parse(body).messages).includes(text));
    };
    await expect.poll(arrived, pollOptions).toBe(true);
    await local.idle();
    return chatView.parse((await read()).body);
  };
  return {
    ...world,
    /** Puts a send request on the bus. */
    request: world.send,
    /** Calls the console's API. */
    send,
    readChat,
    /** Activates rules. */
    async applyRules(rules: readonly object[], more: object = {}): Promise<void> {
      const answer = await send('/api/routing/rules', { organizationId, ruleSet: { match: 'first', rules, ...more } });
      expect(answer).toMatchObject({ status: 200 });
    },
    settings: (some: object) => world.simulator('POST', '/simulator/settings', some),
    /** Waits until a chat is as expected: webhooks about our calls arrive after them. */
    expectChat: (chatId: string, expected: object, text?: string) =>
      expect.poll(() => readChat(chatId, text), pollOptions).toMatchObject(expected),
    routedEvents: (chatId: string) =>
      bus.of('conversation.routed').filter(({ data }) => routedData.parse(data).conversationId === chatId),
    countCalls: async (method: string) => (await world.calls()).methods[method]?.count ?? 0,
  };
}
