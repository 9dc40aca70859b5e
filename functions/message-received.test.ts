import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import type { RuleSet } from '../core/routing/rules.ts';
import { toBusEvent } from '../test/bus-events.ts';
import { receivedAtSecond, textMessage } from '../test/domain-events.ts';
import { pollOptions } from '../test/local.ts';
import { useSharedLocal } from '../test/shared-local.ts';
import { watchBus } from '../test/watch-bus.ts';
import { lambdaContext } from '../test/webhook-event.ts';

const request = z.object({
  metadata: z.looseObject({ organizationId: z.string() }),
  data: z.looseObject({ messageId: z.string() }),
});
const refunds: RuleSet['rules'] = [
  { name: 'refunds', when: { fact: 'message', words: 'refund' }, do: { tag: ['refund'] } },
];
const everyone: RuleSet['rules'] = [{ name: 'everyone', do: { tag: ['any'] } }];

describe('a stored message', () => {
  let bus: Awaited<ReturnType<typeof watchBus>>;
  let store: typeof import('../core/routing/store.ts');
  let handler: typeof import('./message-received.ts').handler;
  beforeAll(async () => {
    bus = await watchBus(await useSharedLocal());
    store = await import('../core/routing/store.ts');
    ({ handler } = await import('./message-received.ts'));
  });
  afterAll(() => bus.stop());

  /** Stores a message of a customer in an organization. */
  async function receive(
    organizationId: string,
    id: string,
    given: { message?: Parameters<typeof textMessage>[1]; metadata?: { recovered: true }; replay?: object } = {},
  ): Promise<void> {
    const data = textMessage(organizationId, { id, ...given.message });
    const metadata = { ...receivedAtSecond(40, organizationId, id), ...given.metadata };
    await handler({ ...toBusEvent({ type: 'message.received', metadata, data }), ...given.replay }, lambdaContext());
  }

  /** The messages that request routing, once that with the id `last` does. */
  async function requested(organizationId: string): Promise<string[]> {
    const ids = () =>
      bus
        .of('routing.requested')
        .map((event) => request.parse(event))
        .flatMap(({ metadata, data }) => (metadata.organizationId === organizationId ? [data.messageId] : []));
    await expect.poll(ids, pollOptions).toContain('last');
    return ids();
  }

  const apply = (organizationId: string, rules: RuleSet['rules'], at = new Date().toISOString()) =>
    store.applyRules(organizationId, { match: 'first', rules }, undefined, at);

  it('requests routing if it is a text of a customer, neither restored nor replayed', async () => {
    const organizationId = randomUUID();
    await apply(organizationId, refunds);
    await receive(organizationId, 'restored', { metadata: { recovered: true } });
    await receive(organizationId, 'replayed', { replay: { 'replay-name': 'r' } });
    await receive(organizationId, 'an agent’s', { message: { author: { id: 'nina@acme.example', type: 'agent' } } });
    await receive(organizationId, 'a file', { message: { type: 'media', content: 'https://files.example/a' } });
    await receive(organizationId, 'last');
    expect(await requested(organizationId)).toEqual(['last']);
  });

  it('fails for an event without a detail, instead of skipping it', async () => {
    const data = textMessage('none', { id: 'none' });
    const event = toBusEvent({ type: 'message.received', metadata: receivedAtSecond(40, 'none', 'none'), data });
    await expect(handler({ ...event, detail: undefined }, lambdaContext())).rejects.toMatchObject({
      name: 'InvalidEvent',
    });
  });

  it('requests it again after a duplicate delivery: the first may have crashed', async () => {
    const organizationId = randomUUID();
    await apply(organizationId, refunds);
    await receive(organizationId, 'T_1');
    await receive(organizationId, 'T_1');
    await receive(organizationId, 'last');
    expect(await requested(organizationId)).toEqual(['T_1', 'T_1', 'last']);
  });

  it('requests it for threads that wait under rules replaced within the last two days', async () => {
    const [recent, old, none] = [randomUUID(), randomUUID(), randomUUID()];
    for (const organizationId of [recent, old]) {
      await apply(organizationId, refunds);
    }
    const threeDaysAgo = new Date(Date.now() - 3 * 86_400_000).toISOString();
    await apply(recent, everyone);
    await apply(old, everyone, threeDaysAgo);
    await receive(old, 'T_1');
    await receive(none, 'T_1');
    await receive(recent, 'last');
    expect(await requested(recent)).toEqual(['last']);
    const others = bus.of('routing.requested').map((event) => request.parse(event).metadata.organizationId);
    expect(others).not.toContain(old);
    expect(others).not.toContain(none);
  });
});
