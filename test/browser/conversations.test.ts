import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { fixture, liveChatTime } from '../fixtures.ts';
import { organizationId, post } from '../local.ts';
import { outbound } from '../outbound.ts';
import { expectAccessible, expectAccessibleAtEachWidth, useConsole, widths } from './page.ts';

const world = useConsole({ ROUTING_CACHE_SECONDS: '0' });

const options = { timeout: 120_000 };
const transcript = z.object({ messages: z.array(z.looseObject({ id: z.string(), content: z.string() })) });

/** Posts a webhook that LiveChat sends for a chat. */
const postWebhook = async (name: string, payload: object, organization = organizationId) => {
  const answer = await post(world.local, { ...fixture(name), organization_id: organization, payload });
  expect(answer.status).toBe(200);
  await world.local.idle();
};

describe.each(widths)('on a screen %i pixels wide', options, (width) => {
  const open = (path: string) => world.openPath(path, width);

  it('lists the last message, whether it is unread, and failed messages', async () => {
    const { chat, send, text, fault, waitForExecutions } = outbound(world.local);
    const name = `Uma ${width}`;
    const chatId = await chat({ customer: { name }, text: 'Is it in stock?' });
    await world.local.idle();
    const { page } = await open('#/conversations');
    const row = page.getByRole('link', { name });
    await row.getByText('Is it in stock?').waitFor();
    await row.getByText('unread', { exact: true }).waitFor();
    expect(await row.getByRole('time').getAttribute('title')).toMatch(/2\d\d\d.*\d\d:\d\d:\d\d (UTC|GMT)/);
    expect(await row.getByRole('time').textContent()).toMatch(/ago|just now/);
    expect(await page.locator('.headers').isVisible()).toBe(width !== 390);
    await expectAccessible(page);

    const user_id = 'tomas.reyes@acme.example';
    await postWebhook('events_marked_as_seen.json', { chat_id: chatId, user_id, seen_up_to: liveChatTime() });
    await postWebhook('user_added_to_chat.agent.json', {
      chat_id: chatId,
      thread_id: 'any',
      user: { id: user_id, type: 'agent', name: 'Tomas Reyes', email: user_id, present: true },
      reason: 'manual',
      requester_id: user_id,
    });
    await row.getByText('unread', { exact: true }).waitFor({ state: 'detached' });

    await send(chatId, text('Yes, it is.'));
    await waitForExecutions();
    await row.getByText(/: Yes, it is\.$/).waitFor();
    await fault({ kind: 'error', status: 422, type: 'validation', method: 'send_event' });
    await send(chatId, text('Shall I reserve one?'));
    await waitForExecutions();
    await row.getByText('1 failed', { exact: true }).waitFor();
    await expectAccessible(page);
  });

  it('explains a filter or a search without matches, and a conversation without messages', async () => {
    const chatId = await outbound(world.local).chat({ customer: { name: `Zoe ${width}` }, text: undefined });
    await world.local.idle();
    const { page } = await open('#/conversations?status=idle');
    await page.getByRole('heading', { name: 'No matching conversations' }).waitFor();
    await expectAccessible(page);
    await page.getByRole('searchbox', { name: 'Search' }).fill('nobody-is-called-this');
    await page.getByText('Part of a name, an e-mail or an ID is enough.').waitFor();
    await expectAccessible(page);
    await page.goto(`${world.local.console}#/conversations/${chatId}`);
    await page.getByText('No messages yet.').waitFor();
    await expectAccessible(page);
  });

  it('shows the status and the time of each message, and its timeline on a click', async () => {
    const { chat, send, text, fault, waitForExecutions } = outbound(world.local);
    const name = `Vic ${width}`;
    const chatId = await chat({ customer: { name }, text: 'Hello' });
    await world.local.idle();
    await send(chatId, text('Good morning'));
    await waitForExecutions();
    await fault({ kind: 'error', status: 422, type: 'validation', method: 'send_event' });
    await send(chatId, text('How can I help?'));
    await waitForExecutions();
    const { page } = await open(`#/conversations/${chatId}`);
    await page.getByRole('heading', { level: 1, name }).waitFor();
    await expect.poll(() => page.title()).toBe(`${name} ${chatId} · Conversations · LiveChat bridge`);
    const message = (content: string) => page.locator('.message').filter({ hasText: content });
    const badge = (content: string) => message(content).locator('summary');
    expect(await badge('Hello').textContent()).toMatch(/^\d\d:\d\d:\d\d$/);
    expect(await badge('Good morning').textContent()).toMatch(/^delivered \d\d:\d\d:\d\d$/);
    expect(await badge('How can I help?').textContent()).toMatch(/^failed after 1 failed call \d\d:\d\d:\d\d$/);
    // Closed by default, also for a failure.
    expect(await page.locator('.message details[open]').count()).toBe(0);
    await badge('How can I help?').click();
    await message('How can I help?').getByText('failed to send; moved to Dead letters').waitFor();
    await expectAccessible(page);
    await page.goto(`${world.local.console}#/conversations`);
    await expect.poll(() => page.title()).toBe('Conversations · LiveChat bridge');
  });

  it('opens at the message, the delivery or the thread of the link, and marks it', async () => {
    const { chat, act } = outbound(world.local);
    const chatId = await chat({ customer: { name: `Wim ${width}` }, text: 'number 0' });
    for (let index = 1; index <= 40; index += 1) await act(chatId, { action: 'message', text: `number ${index}` });
    await world.local.idle();
    const { page } = await open(`#/conversations/${chatId}`);
    await page.getByText('number 40', { exact: true }).waitFor();
    const first = page.locator('.message').filter({ hasText: /^.*number 0/ });
    expect(await first.count()).toBe(0);
    const { messages } = transcript.parse(await outbound(world.local).read(chatId));
    const id = messages.find(({ content }) => content === 'number 0')?.id ?? '';
    await page.goto(`${world.local.console}#/conversations/${chatId}?message=${id}`);
    await page.locator('.target').getByText('number 0', { exact: true }).waitFor();
    expect(await page.locator('.target').count()).toBe(1);
    await expectAccessible(page);
  });

  it('formats an event of an unknown type, and shows the routing decision', async () => {
    const rules = { ruleSet: { match: 'first', rules: [{ name: 'greet everybody', do: { tag: ['hello'] } }] } };
    const answer = await fetch(new URL('/api/routing/rules', world.local.console), {
      method: 'POST',
      body: JSON.stringify({ ...rules, organizationId }),
    });
    expect(answer.status).toBe(200);
    const chatId = await outbound(world.local).chat({ agent: null, customer: { name: `Xan ${width}` } });
    await world.local.idle();
    const thread_id = `T${width}`;
    const event = { id: `${thread_id}_9`, type: 'teleport', to: { place: 'Mars' }, created_at: liveChatTime() };
    const payload = { chat_id: chatId, thread_id, event: { ...event, author_id: '', visibility: 'all' } };
    await postWebhook('incoming_event.custom.json', payload);
    const { page } = await open(`#/conversations/${chatId}`);
    await page.getByText('Event of type teleport').waitFor();
    await page.getByText('"place": "Mars"').waitFor();
    const rule = page.getByRole('complementary').getByText('greet everybody').first();
    if (width === 390) await page.getByText('Routing decision').click();
    await rule.waitFor();
    await expectAccessible(page);
  });
});

describe('with several organizations', options, () => {
  it('lists and filters by organization', async () => {
    const { chat } = outbound(world.local);
    await chat({ customer: { name: 'Yara' } });
    const other = '0d9c1a70-6f0e-4f56-9a2f-2f63c1e0b9d4';
    const { payload } = fixture('incoming_chat.json');
    await postWebhook('incoming_chat.json', Object(payload), other);
    const { page } = await world.openPath('#/conversations', 1280);
    await page.getByRole('region', { name: 'Conversations' }).getByText(other).waitFor();
    await expectAccessibleAtEachWidth(page);
    await page.getByRole('combobox', { name: 'Organization' }).selectOption(other);
    await expect.poll(() => page.locator('a.row').count()).toBe(1);
    await expectAccessibleAtEachWidth(page);
  });
});
