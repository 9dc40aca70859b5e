import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { startLocal } from '../local.ts';
import { outbound } from '../outbound.ts';
import { expectAccessible, openPage, screens, useConsole } from './page.ts';

const world = useConsole();

describe.each(screens)('in the $scheme scheme, $width pixels wide', { timeout: 60_000 }, ({ width, scheme }) => {
  const open = async (path: string) => (await world.openPath(path, width, scheme)).page;

  const start = 'To start a chat, open the Sandbox or run npx livechat simulate chat';
  const noOrganization = `An organization appears here after its first conversation. ${start}`;

  it('an empty list explains how to fill it', async () => {
    const page = await open('');
    for (const [section, text] of [
      ['flow', `No events since this page was opened. ${start}`],
      ['conversations', `Conversations appear after LiveChat's first webhook. ${start}`],
      ['executions', 'An execution starts when a service publishes message.send.requested on the bus.'],
      ['dead-letters', 'Send requests and events appear here when they fail.'],
      ['routing', noOrganization],
      ['reconciliation', noOrganization],
      ['rate-limits', noOrganization],
    ] as const) {
      await page.goto(`${world.local.console}#/${section}`);
      await page.getByText(text).waitFor();
      await expectAccessible(page);
    }
    await page.getByRole('main').getByRole('link', { name: 'Sandbox' }).click();
    await page.getByRole('heading', { level: 1, name: 'Sandbox' }).waitFor();
  });

  it('an unknown id shows the kind and the id that were not found', async () => {
    const page = await open('');
    for (const [what, section, id] of [
      ['conversation', 'conversations', 'T8RM2K0V9X'],
      ['execution', 'executions', 'arn:aws:states:us-east-1:000000000000:execution:send:0'],
      ['dead letter', 'dead-letters', '0123456789abcdef'],
    ] as const) {
      await page.goto(`${world.local.console}#/${section}/${encodeURIComponent(id)}`);
      const state = page.getByRole('alert').filter({ hasText: `No such ${what}` });
      await state.getByText(`The local engine has no ${what} with the ID ${id}.`).waitFor();
      await state.getByRole('button', { name: 'Search for an ID, a name or an e-mail' }).waitFor();
      await expectAccessible(page);
    }
  });
});

describe('times', () => {
  it('include their time zone', async () => {
    const chatId = await outbound(world.local).chat();
    await world.local.idle();
    const context = await world.browser.newContext({ timezoneId: 'Asia/Tokyo', locale: 'en-GB' });
    const page = await context.newPage();
    await page.goto(`${world.local.console}#/conversations/${chatId}`);
    await page.getByText('Times in GMT+9').waitFor();
    const title = await page.getByRole('main').getByRole('time').first().getAttribute('title');
    expect(title).toMatch(/^\d+ \w+ \d{4}, \d\d:\d\d:\d\d GMT\+9$/);
    await context.close();
  });
});

describe('without a connection', () => {
  it('shows a message and greys the figures, and reconnects', { timeout: 180_000 }, async () => {
    const own = await startLocal();
    await outbound(own).chat();
    await own.idle();
    const pages = await Promise.all(screens.map(({ width, scheme }) => openPage(world.browser, width, scheme)));
    for (const { page } of pages) {
      await page.goto(`${own.console}#/rate-limits`);
      await page.getByText('Live', { exact: true }).waitFor();
      await page.getByText('breaker closed', { exact: true }).waitFor();
    }
    await own.stop();
    const banner = (page: Page) => page.getByRole('alert').filter({ hasText: 'Connection lost.' });
    for (const { page } of pages) {
      await banner(page)
        .getByText(/The page shows the state of .*\d\d:\d\d:\d\d \S+\. The console does not respond\./)
        .waitFor();
      expect(await page.evaluate("getComputedStyle(document.querySelector('main')).filter")).toBe('grayscale(1)');
      expect(await page.getByRole('alert').count()).toBe(1);
      await expectAccessible(page);
    }
    const restarted = await startLocal({}, ['--port', new URL(own.console).port]);
    await outbound(restarted).chat();
    for (const { page, close } of pages) {
      await banner(page).waitFor({ state: 'detached' });
      await page.getByText('breaker closed', { exact: true }).waitFor();
      await close();
    }
    await restarted.stop();
  });
});
