import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { outbound } from '../outbound.ts';
import { expectAccessible, expectAccessibleAtEachWidth, useConsole, widths } from './page.ts';

const world = useConsole();

const transcript = z.object({ messages: z.array(z.looseObject({ id: z.string(), content: z.unknown() })) });

/** Each test has many steps, which are slow under load. */
const options = { timeout: 120_000 };

const openSection = async (page: Page, name: string) => {
  await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
};

const sendAs = async (page: Page, as: 'customer' | 'agent', text: string) => {
  const box = page.getByRole('textbox', { name: `Message as ${as}` });
  await box.fill(text);
  await box.press('Enter');
};

describe.each(widths)('on a screen %i pixels wide', options, (width) => {
  const open = (path = '') => world.openPath(path, width);

  it('shows a message from the customer to the tables, and its delivery after LiveChat errors', async () => {
    const { page } = await open();
    await page.getByText('No events since this page was opened').waitFor();

    await openSection(page, 'Sandbox');
    await page.getByText('Send a message to start a chat.').waitFor();
    await expectAccessible(page);
    const question = `Where is my parcel? (${width})`;
    await sendAs(page, 'customer', question);
    const agentMessages = page.getByRole('list', { name: 'What the agent sees' });
    await agentMessages.getByText(question).waitFor();
    await expectAccessible(page);

    await page.getByRole('button', { name: '500' }).click();
    await page.getByText('1 active fault.').waitFor();
    await expectAccessible(page);
    await sendAs(page, 'agent', 'It left this morning.');
    await page.getByRole('list', { name: 'What the customer sees' }).getByText('It left this morning.').waitFor();
    await agentMessages.getByText('after 2 failed calls').waitFor();
    await agentMessages.getByText('delivered', { exact: true }).waitFor();
    await expectAccessible(page);

    await openSection(page, 'Live flow');
    const eventList = page.getByRole('list', { name: 'Events, latest first' });
    await eventList.getByText('message.received').first().waitFor();
    await eventList.getByText('message.delivered').first().waitFor();
    await page
      .locator('[data-station="livechat"]')
      .getByText(/^\d+ failed$/)
      .waitFor();
    await expectAccessible(page);

    await openSection(page, 'Conversations');
    await page.getByRole('link', { name: 'Ada Morgan' }).first().click();
    await page.getByRole('heading', { level: 1, name: 'Ada Morgan' }).waitFor();
    await page.locator('.message.left').getByText(question).waitFor();
    const reply = page.locator('.message.right').filter({ hasText: 'It left this morning.' });
    await reply.locator('summary').click();
    const step = (text: RegExp) => reply.getByRole('listitem').filter({ hasText: text });
    for (const number of [1, 2]) {
      const attempt = step(new RegExp(`^attempt ${number} failed after [\\d.]+ m?s`));
      await attempt.getByText('ChannelServerError (500 internal)').waitFor();
      await attempt.getByRole('time').waitFor();
    }
    await step(/^attempt 3: accepted by LiveChat after .* after the previous attempt/)
      .getByRole('time')
      .waitFor();
    await step(/^delivered: confirmed by webhook/)
      .getByRole('time')
      .waitFor();
    await step(/^stored, [\d.]+ m?s after receipt/)
      .getByRole('time')
      .waitFor();
    await reply.getByText('custom_id').waitFor();
    await expectAccessible(page);

    await step(/^attempt 1 failed/)
      .getByRole('link', { name: 'execution' })
      .click();
    await page.getByRole('heading', { level: 1, name: 'Execution' }).waitFor();
    await page.getByText('Send step retried, attempt 3').waitFor();
    await page.getByRole('img', { name: 'Path of this execution: Send.' }).waitFor();
    await expectAccessible(page);
  });

  it('shows in the sandbox that a message was rejected, and that the console does not respond', async () => {
    const { page } = await open('#/sandbox');
    await sendAs(page, 'customer', 'Is anybody there?');
    const agentMessages = page.getByRole('list', { name: 'What the agent sees' });
    await agentMessages.getByText('Is anybody there?').waitFor();
    await page.getByRole('button', { name: '422' }).click();
    await page.getByText('1 active fault.').waitFor();
    await sendAs(page, 'agent', 'Yes, I am.');
    await agentMessages.getByText('last error: ChannelClientError').waitFor();
    await agentMessages.getByRole('link', { name: 'Dead letter' }).waitFor();
    await expectAccessible(page);

    await page.route('**/api/simulator/**', (route) => route.abort());
    await sendAs(page, 'customer', 'Hello?');
    await page.getByRole('region', { name: 'Customer' }).getByRole('alert').getByText('does not respond').waitFor();
    await page.getByRole('button', { name: '500' }).click();
    await page.getByRole('region', { name: 'Inject faults' }).getByRole('alert').waitFor();
    await expectAccessible(page);
  });
});

describe('on any screen', options, () => {
  it('renders customer content as text, and links without a referrer', async () => {
    const hostile = '<img src=x onerror="document.title=1"> https://example.com/a javascript:alert(1)';
    const chatId = await outbound(world.local).chat({ customer: { name: '<b>Eve</b>' }, text: hostile });
    await world.local.idle();
    const { page } = await world.open(1280);
    await page.goto(`${world.local.console}#/conversations/${chatId}`);
    await page.getByRole('heading', { level: 1, name: '<b>Eve</b>' }).waitFor();
    const content = page.locator('.message .content').first();
    expect(await content.textContent()).toBe(hostile);
    const links = content.getByRole('link');
    expect(await links.count()).toBe(1);
    expect(await links.getAttribute('rel')).toBe('noopener noreferrer');
    expect(await content.locator('img').count()).toBe(0);
  });

  it('lists events of other services, whatever their details are, in the live flow', async () => {
    const { page } = await world.openPath('#/flow', 1280);
    const { put } = outbound(world.local);
    await put('shop', 'order.placed', { data: 'paid', metadata: null });
    await put('shop', 'order.shipped', { data: { conversationId: 'T8RM2K0V9X' } });
    const list = page.getByRole('list', { name: 'Events, latest first' });
    await list.getByText('order.placed').waitFor();
    await list.getByText('order.shipped').waitFor();
  });

  it('shows the end of a right-to-left text on its left', async () => {
    const text = 'שלום, איפה החבילה?';
    const chatId = await outbound(world.local).chat({ text });
    await world.local.idle();
    const { page } = await world.openPath(`#/conversations/${chatId}`, 1280);
    await page.locator('.message .content p').first().waitFor();
    const left = (index: number) =>
      page.evaluate(`(() => {
        const text = document.querySelector('.message .content p').firstChild;
        const range = document.createRange();
        range.setStart(text, ${index});
        range.setEnd(text, ${index + 1});
        return range.getBoundingClientRect().left;
      })()`);
    expect(Number(await left(text.length - 1))).toBeLessThan(Number(await left(0)));
  });

  it('links URLs without the punctuation of the sentence', async () => {
    const { chat } = outbound(world.local);
    const chatId = await chat({
      text: 'See https://a.example/x. (Or https://b.example/y_(z)?q=1,2), https://c.example!',
    });
    await world.local.idle();
    const { page } = await world.open(1280);
    await page.goto(`${world.local.console}#/conversations/${chatId}`);
    const links = page.locator('.message .content').getByRole('link');
    await links.first().waitFor();
    expect(await links.allTextContents()).toEqual([
      'https://a.example/x',
      'https://b.example/y_(z)?q=1,2',
      'https://c.example',
    ]);
  });

  it('shows forms, images, cards with buttons, notes, and changed messages', async () => {
    const { chat, act, read } = outbound(world.local);
    const form = [{ type: 'email', label: 'Your e-mail', answer: 'noor@mail.example' }];
    const chatId = await chat({ form });
    for (const text of ['Tomorow', 'Wrong chat']) await act(chatId, { as: 'agent', action: 'message', text });
    await world.local.idle();
    const { messages } = transcript.parse(await read(chatId));
    const find = (text: string) => messages.find(({ content }) => content === text)?.id;
    await act(chatId, { as: 'agent', action: 'edit', eventId: find('Tomorow'), text: 'Tomorrow' });
    await act(chatId, { as: 'agent', action: 'delete', eventId: find('Wrong chat') });
    await act(chatId, { action: 'file', name: 'label.png', contentType: 'image/png' });
    await act(chatId, { as: 'agent', action: 'note', text: 'Be quick' });
    const buttons = [{ text: 'Track it', type: 'message', value: 'track', postback_id: 'track' }];
    const elements = [{ title: 'Your parcel', subtitle: 'On its way', buttons }];
    await act(chatId, { as: 'agent', action: 'rich-message', templateId: 'cards', elements });
    const { page } = await world.open(1280);
    await page.goto(`${world.local.console}#/conversations/${chatId}`);
    const picture = page.getByRole('img', { name: 'label.png' });
    await picture.waitFor();
    const drawn = `document.querySelector('img[alt="label.png"]').naturalWidth > 0`;
    await expect.poll(() => page.evaluate(drawn), { timeout: 20_000 }).toBe(true);
    await page.locator('.message.note').getByText('Internal note').waitFor();
    await page.locator('.chat-card').getByText('Track it').waitFor();
    await page.locator('.message').filter({ hasText: 'Tomorrow' }).getByText('edited', { exact: true }).waitFor();
    await page.getByText('This message was deleted.').waitFor();
    await page.locator('.form').getByText('noor@mail.example').waitFor();
    await expectAccessibleAtEachWidth(page);
  });

  it('is operable with the keyboard only', async () => {
    await outbound(world.local).chat({ customer: { name: 'Noor' } });
    await world.local.idle();
    const { page } = await world.openPath('', 1280);
    const focused = page.locator(':focus');
    await page.keyboard.press('Tab');
    expect(await focused.textContent()).toBe('Skip to the page');
    for (let presses = 0; (await focused.textContent()) !== 'Conversations'; presses += 1) {
      if (presses > 10) throw new Error('Conversations cannot be reached by Tab');
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await page.getByRole('searchbox', { name: 'Search' }).focus();
    await page.keyboard.type('noor');
    const row = page.getByRole('link', { name: 'Noor' });
    await expect.poll(() => page.locator('a.row').count()).toBe(1);
    await row.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Noor' }).waitFor();
  });

  // Paused requests wait for up to a minute: this test is the last.
  it('shows what waits while the organization is paused, in its order', async () => {
    const { chat, send, rateLimit } = outbound(world.local);
    const chatId = await chat({ customer: { name: 'Lee' } });
    await world.local.idle();
    await rateLimit('pause');
    const file = { type: 'media', content: { url: 'https://shop.example/label.png', name: 'label.png' } };
    const cards = { templateId: 'cards', elements: [{ title: 'Your parcel' }] };
    const texts = ['first', 'second'].map((content) => ({ type: 'text', content }));
    await send(chatId, { messages: [...texts, file, { type: 'interactive', content: cards }] });
    const { page } = await world.open(1280);
    await page.goto(`${world.local.console}#/conversations/${chatId}`);
    const waiting = page.locator('.message.pending');
    await waiting.nth(3).waitFor();
    await send(chatId, { messages: [{ type: 'text', content: 'third', visibility: 'agents' }] });
    await waiting.nth(4).waitFor();
    const contents = await waiting.locator('.content').allTextContents();
    expect(contents.map((text) => text.trim())).toEqual(['first', 'second', 'label.png', 'Your parcel', 'third']);
    await waiting.first().locator('summary', { hasText: 'queued' }).waitFor();
    await waiting.last().getByText('Internal note').waitFor();
    await expectAccessibleAtEachWidth(page);

    await page.goto(`${world.local.console}#/executions`);
    await page.getByRole('region', { name: 'Executions' }).getByRole('link').first().click();
    await page.getByText('Not first in its message group: waits for its turn').waitFor();
    await page.getByText('Waiting for its turn in the message group').waitFor();
    await page.getByRole('img', { name: 'Path of this execution: Send, ReadWait, WaitForTurn.' }).waitFor();
    await expectAccessibleAtEachWidth(page);
    await rateLimit('resume');
  });
});
