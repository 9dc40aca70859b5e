import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { outbound } from '../outbound.ts';
import { expectAccessible, useConsole, widths } from './page.ts';

const world = useConsole();

const options = { timeout: 120_000 };

const box = (page: Page) => page.getByRole('combobox', { name: 'Go to an ID' });
const found = (page: Page) => page.getByRole('listbox', { name: 'Found' }).getByRole('option');

describe.each(widths)('the search on a screen %i pixels wide', options, (width) => {
  const open = (path = '') => world.openPath(path, width);

  it('opens the item with the id immediately, and lists it as recent', async () => {
    const { chat, send, text, fault, deadLetters, waitForExecutions } = outbound(world.local);
    const name = `Ada ${width}`;
    const chatId = await chat({ customer: { name }, text: 'Hello' });
    await world.local.idle();
    await fault({ kind: 'error', status: 422, type: 'validation', method: 'send_event' });
    const requestId = await send(chatId, text('How can I help?'));
    await waitForExecutions();
    const [deadLetter] = await deadLetters(chatId);
    const { page } = await open();
    await page.keyboard.press('/');
    await page.getByText('Any ID: chat, thread, message').waitFor();
    await expectAccessible(page);

    // Enter before the answer opens it as well.
    await page.keyboard.insertText(chatId);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name }).waitFor();
    expect(await box(page).inputValue()).toBe('');
    expect(await found(page).count()).toBe(0);

    await page.keyboard.press('/');
    await page.keyboard.insertText(requestId);
    await found(page).getByText('Send request').waitFor();
    await expectAccessible(page);
    await page.keyboard.press('Enter');
    await page.locator('.target').getByText('How can I help?').waitFor();

    await page.keyboard.press('/');
    await page.keyboard.insertText(deadLetter?.id ?? '');
    await found(page).getByText('Dead letter').click();
    await page.getByRole('heading', { level: 1, name: 'ChannelClientError' }).waitFor();

    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'ChannelClientError' }).waitFor();
    await page.keyboard.press('/');
    await page.getByText('Recent', { exact: true }).waitFor();
    await expectAccessible(page);
    expect(await found(page).allTextContents()).toEqual([
      expect.stringMatching(/^ChannelClientError .*Dead letter/),
      expect.stringMatching(new RegExp(`^${name} ${chatId}.*Conversation`)),
    ]);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name }).waitFor();
  });

  it('lists conversations by name, and searches all of them', async () => {
    const { chat } = outbound(world.local);
    for (const first of ['Bo', 'Bea']) await chat({ customer: { name: `${first} Nilsson-${width}` } });
    await world.local.idle();
    const { page } = await open('#/conversations');
    await box(page).click();
    await page.keyboard.insertText(`nilsson-${width}`);
    await found(page).getByText(`Bea Nilsson-${width}`).waitFor();
    expect(await found(page).count()).toBe(3);
    expect(await found(page).first().getAttribute('aria-selected')).toBe('true');
    await expectAccessible(page);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await expect.poll(() => new URL(page.url()).hash).toBe(`#/conversations?search=nilsson-${width}`);
    await page.getByRole('region', { name: 'Conversations' }).getByText(`Bo Nilsson-${width}`).waitFor();
  });

  it('reports that nothing was found, closes on Escape, and ignores `/` in other fields', async () => {
    await outbound(world.local).chat();
    await world.local.idle();
    const { page } = await open('#/conversations');
    await page.keyboard.press('/');
    await page.keyboard.insertText('no/body');
    await page.getByText(/^No match for this ID, name or e-mail among the latest/).waitFor();
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    expect(await page.getByText('No match for this ID').isVisible()).toBe(false);
    await page.getByRole('searchbox', { name: 'Search' }).focus();
    await page.keyboard.press('/');
    expect(await page.getByRole('searchbox', { name: 'Search' }).inputValue()).toBe('/');
    await page.route('**/api/search?*', (route) => route.abort());
    await box(page).fill('a');
    await page.getByText('Type at least two characters.').waitFor();
    await expectAccessible(page);
    await box(page).fill('ada');
    await page.getByText('The console does not respond.').first().waitFor();
    await expectAccessible(page);
  });
});
