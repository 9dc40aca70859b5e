import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { organizationId } from '../local.ts';
import { outbound } from '../outbound.ts';
import { expectAccessible, expectAccessibleAtEachWidth, respond, useConsole, widths } from './page.ts';

const world = useConsole();

const options = { timeout: 120_000 };

const rows = (page: Page) => page.getByRole('region', { name: 'Dead letters' }).getByRole('link');

/** Starts a chat and sends messages that LiveChat rejects. Returns its id. */
async function failToSend(name: string, ...contents: readonly string[]): Promise<string> {
  const { chat, fault, send, text, waitForExecutions, clearFaults } = outbound(world.local);
  const chatId = await chat({ customer: { name } });
  await world.local.idle();
  await fault({ kind: 'error', status: 422, type: 'validation', method: 'send_event' });
  for (const content of contents) await send(chatId, text(content));
  await waitForExecutions();
  await clearFaults();
  return chatId;
}

/** Sends a request that the bridge rejects. */
async function sendInvalid(conversationId: string, requestId: string, messages: readonly object[] = []): Promise<void> {
  await outbound(world.local).send(conversationId, { requestId, messages });
  await world.local.idle();
}

describe.each(widths)('dead letters on a screen %i pixels wide', options, (width) => {
  const open = (path: string) => world.openPath(path, width);

  it('redrives a rejected message from the dead letters and shows it delivered', async () => {
    const chatId = await failToSend(`Lin ${width}`, 'Of course.');
    const { page } = await open(`#/dead-letters?conversation=${chatId}`);
    await rows(page).first().waitFor();
    await expectAccessible(page);
    await rows(page).first().click();
    await page.getByRole('heading', { level: 1, name: 'ChannelClientError' }).waitFor();
    await page.getByText('send_event: LiveChat rejected').waitFor();
    await page.getByText('It failed in its first execution, with 1 failed call to LiveChat.').waitFor();
    await expectAccessible(page);
    await page.getByRole('link', { name: 'Show all attempts of this execution' }).click();
    await page.getByRole('img', { name: 'Path of this execution: Send, DeadLetter, Failed.' }).waitFor();
    await page.goBack();

    // The transcript shows it with its content, and links to the dead letter.
    await page.locator('.head').getByRole('link').click();
    const waiting = page.locator('.message.pending');
    await waiting.getByText('Of course.').waitFor();
    const cause = waiting.getByText('ChannelClientError (422 validation): LiveChat rejected the request');
    expect(await cause.isVisible()).toBe(false);
    await waiting.locator('summary', { hasText: 'failed after 1 failed call' }).click();
    await cause.waitFor();
    await expectAccessible(page);
    await waiting.getByRole('link', { name: 'dead letter' }).click();
    await page.getByRole('heading', { level: 1, name: 'ChannelClientError' }).waitFor();

    await page.getByRole('button', { name: 'Redrive…' }).click();
    await page.getByText('0 would be redriven').waitFor();
    await page.getByText('1 would probably fail again: ChannelClientError').waitFor();
    expect(await page.getByRole('button', { name: 'Redrive 0 now' }).isDisabled()).toBe(true);
    await page.getByRole('checkbox', { name: 'Also redrive the 1 that would probably fail again' }).check();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Redrive 1 now' }).click();
    await page.getByText('1 of 1 processed').waitFor();
    await page.getByRole('link', { name: 'show the transcript' }).click();
    const sent = page.locator('.message.right').filter({ hasText: 'Of course.' });
    await sent.locator('summary', { hasText: 'delivered' }).waitFor();
    await sent.locator('summary').click();
    const redriven = sent.getByRole('listitem').filter({ hasText: /^redriven/ });
    await redriven.getByRole('time').waitFor();
    await redriven.getByRole('link', { name: 'dead letter' }).waitFor();
    await sent.getByText(/^attempt 2: accepted by LiveChat/).waitFor();
  });

  it('redrives a selection of dead letters after a dry run', async () => {
    const chatId = await failToSend(`Kim ${width}`, 'one', 'two');
    await sendInvalid(chatId, `invalid-${width}`);
    const { page } = await open(`#/dead-letters?conversation=${chatId}`);
    await page.getByRole('checkbox', { name: 'Select all 3' }).check();
    await page.getByRole('button', { name: 'Redrive 3…' }).click();
    await page.getByText('0 would be redriven').waitFor();
    await page.getByText('1 cannot be redriven: RequestInvalid').waitFor();
    await page.getByText('2 would probably fail again: ChannelClientError').waitFor();
    await page.getByRole('checkbox', { name: 'Also redrive the 2 that would probably fail again' }).check();
    await page.getByText('2 would be redriven').waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Redrive 2 now' }).click();
    await expect.poll(() => rows(page).count()).toBe(1);
    // In the order of the requests; the list shows the latest first.
    await expect.poll(() => outbound(world.local).sentTexts(chatId), { timeout: 20_000 }).toEqual(['one', 'two']);

    await rows(page).first().click();
    await page.getByText('A rejected request cannot be redriven').waitFor();
    await page.getByText(`"requestId": "invalid-${width}"`).waitFor();
    expect(await page.getByRole('button', { name: 'Redrive…' }).count()).toBe(0);
    await expectAccessible(page);
  });

  it('groups dead letters by error, and dismisses a group with a stored reason', async () => {
    const chatId = await failToSend(`Ola ${width}`, 'one', 'two', 'three', 'four', 'five', 'six');
    await sendInvalid(chatId, `ungrouped-${width}`);
    const { page } = await open(`#/dead-letters?conversation=${chatId}`);
    const large = page.getByRole('button', { name: 'ChannelClientError 6' });
    await large.waitFor();
    // A large group is folded, a small one is not.
    expect(await large.getAttribute('aria-expanded')).toBe('false');
    expect(await page.getByRole('button', { name: 'RequestInvalid 1' }).getAttribute('aria-expanded')).toBe('true');
    expect(await rows(page).count()).toBe(1);
    await large.click();
    await expect.poll(() => rows(page).count()).toBe(7);
    await expectAccessible(page);

    await page.getByRole('checkbox', { name: 'Select all of ChannelClientError' }).check();
    await page.getByRole('button', { name: 'Dismiss 6…' }).click();
    const now = page.getByRole('button', { name: 'Dismiss 6 now' });
    expect(await now.isDisabled()).toBe(true);
    await page.keyboard.type('Answered by phone');
    await expectAccessible(page);
    await page.keyboard.press('Enter');
    await page.getByText('6 of 6 processed').waitFor();
    await expect.poll(() => rows(page).count()).toBe(1);

    await page.getByRole('combobox', { name: 'Status' }).selectOption('dismissed');
    await page.getByText('Dismissed: Answered by phone').first().waitFor();
    await expectAccessible(page);
    await rows(page).first().click();
    await page.getByText(/^Dismissed .*: Answered by phone$/).waitFor();
    expect(await page.getByRole('button', { name: 'Redrive…' }).isDisabled()).toBe(true);
    await expectAccessible(page);
    expect(await outbound(world.local).sentTexts(chatId)).toEqual([]);
  });

  it('reports failed calls', async () => {
    const chatId = await failToSend(`Pia ${width}`, 'one', 'two');
    const { page } = await open(`#/dead-letters?conversation=${chatId}`);
    await page.getByRole('checkbox', { name: 'Select all 2' }).check();
    await page.route('**/api/dead-letters/redrive', (route) => route.abort());
    await page.getByRole('button', { name: 'Redrive 2…' }).click();
    await page.getByRole('alert').getByText('The console does not respond.').waitFor();
    await expectAccessible(page);

    await page.route('**/api/dead-letters/*/dismiss', (route) => route.abort());
    await page.getByRole('button', { name: 'Dismiss 2…' }).click();
    await page.keyboard.type('Answered by phone');
    await page.keyboard.press('Enter');
    await page.getByText('2 of 2 processed; 2 failed: The console does not respond.').waitFor();
    await expectAccessible(page);
    // The list has a minimum height.
    const list = await page.getByRole('region', { name: 'Dead letters' }).boundingBox();
    expect(list?.height).toBeGreaterThanOrEqual(240);
    expect(await rows(page).count()).toBe(2);
  });

  it('explains a filter without matches, and each status without dead letters', async () => {
    const { page } = await open('#/dead-letters?conversation=unknown');
    await page.getByRole('heading', { name: 'No dead letter matches' }).waitFor();
    await expectAccessible(page);
    await respond(page, '/dead-letters', { deadLetters: [], next: undefined });
    for (const [status, text] of [
      ['open', 'Send requests and events appear here when they fail.'],
      ['redriven', 'Dead letters appear here after a redrive.'],
      ['dismissed', 'Dead letters appear here when an operator dismisses them.'],
      ['resolved', 'A dead letter appears here if all of its messages turn out to have been sent.'],
    ] as const) {
      await page.goto(`${world.local.console}#/dead-letters?status=${status}`);
      await page.getByText(text).waitFor();
      await expectAccessible(page);
    }
  });

  it('shows a long error message completely', async () => {
    const conversationId = `long-${width}`;
    const messages = Array.from({ length: 10 }, () => ({ type: 'interactive', content: {} }));
    await sendInvalid(conversationId, `request-${width}`, messages);
    const { page } = await open(`#/dead-letters?conversation=${conversationId}`);
    await rows(page).first().click();
    const message = page.locator('.error-message');
    await message.getByText('messages.9.content').waitFor();
    const fits =
      "(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(document.querySelector('.error-message'))";
    expect(await page.evaluate(fits)).toBe(true);
    await expectAccessible(page);
  });
});

describe('dead letters on each screen', options, () => {
  const deadLetter = {
    id: 'dead-letter',
    organizationId,
    conversationId: 'T8RM2K0V9X',
    requestId: 'request',
    kind: 'event',
    status: 'open',
    category: 'server',
    errorName: 'ValidationException',
    errorMessage: 'Item size has exceeded the maximum allowed size',
    failedCalls: 0,
    redrives: 0,
    createdAt: '2026-03-11T09:15:00.000Z',
  } as const;
  const error = { name: deadLetter.errorName, message: deadLetter.errorMessage };

  it('show the archived event or message', async () => {
    const { page } = await world.open(1280);
    const event = {
      id: 'event',
      source: 'omnichannel.livechat',
      'detail-type': 'chat.started',
      time: deadLetter.createdAt,
      detail: { data: { conversationId: deadLetter.conversationId } },
    };
    const contents = [
      [{ id: 'event', kind: 'event', error, event }, '"detail-type": "chat.started"'],
      [{ id: 'unreadable', kind: 'unreadable', error, body: 'no event' }, 'An unreadable message cannot be redriven.'],
    ] as const;
    for (const [content, text] of contents) {
      const { id, kind } = content;
      await respond(page, '/dead-letters/:id', {
        deadLetter: { ...deadLetter, id, kind },
        content,
        execution: undefined,
      });
      await page.goto(`${world.local.console}#/dead-letters/${id}`);
      await page.getByText(text).waitFor();
      await expectAccessibleAtEachWidth(page);
    }
  });

  it('are truncated at 1,000, with a command for the rest', async () => {
    const { page } = await world.open(1280);
    const deadLetters = Array.from({ length: 500 }, (_, index) => ({ ...deadLetter, id: `${index}` }));
    await respond(page, '/dead-letters', { deadLetters, next: 'more' });
    await page.goto(`${world.local.console}#/dead-letters`);
    await page.getByText('Only the latest 1,000 dead letters are shown and counted.').waitFor();
    await expectAccessibleAtEachWidth(page);
  });
});
