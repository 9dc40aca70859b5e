import { describe, expect, it } from 'vitest';
import { outbound } from '../outbound.ts';
import { expectAccessible, useConsole, widths } from './page.ts';

const world = useConsole();

describe.each(widths)('on a screen %i pixels wide', { timeout: 60_000 }, (width) => {
  const open = async (path: string) => (await world.openPath(path, width)).page;

  const start = 'To start a chat, open the Sandbox or run npx livechat simulate chat';
  const noOrganization = `An organization appears here after its first conversation. ${start}`;

  it('an empty list explains how to fill it', async () => {
    const page = await open('');
    for (const [section, text] of [
      ['flow', `No events since this page was opened. ${start}`],
      ['conversations', `Conversations appear after LiveChat's first webhook. ${start}`],
      ['events', 'To receive the first, run npx livechat simulate chat'],
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
      ['webhook or event', 'events', 'unknown'],
      ['execution', 'executions', 'arn:aws:states:us-east-1:000000000000:execution:send:0'],
      ['dead letter', 'dead-letters', '0123456789abcdef'],
    ] as const) {
      await page.goto(`${world.local.console}#/${section}/${encodeURIComponent(id)}`);
      const state = page.getByRole('alert').filter({ hasText: `No such ${what}` });
      await state.getByRole('heading', { level: 1 }).waitFor();
      await state.getByText(`The local engine has no ${what} with the ID ${id}.`).waitFor();
      await state.getByRole('button', { name: 'Search for an ID, a name or an e-mail' }).waitFor();
      await expectAccessible(page);
    }
  });

  it('an id with an invalid percent-encoding is shown as not found', async () => {
    const page = await open('#/conversations/50%');
    await page.getByText('The local engine has no conversation with the ID 50%.').waitFor();
  });

  it('an unknown section links to the first one', async () => {
    const { page } = await world.open(width);
    await page.goto(`${world.local.console}#/nowhere`);
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByRole('heading', { level: 1, name: 'Page not found' }).waitFor();
    await expectAccessible(page);
    await page.getByRole('link', { name: 'Go to the live flow' }).click();
    await page.getByRole('heading', { level: 1, name: 'Live flow' }).waitFor();
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
