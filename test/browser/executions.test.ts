import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { outbound } from '../outbound.ts';
import { expectAccessible, useConsole, widths } from './page.ts';

const world = useConsole();

const options = { timeout: 120_000 };

let chatId: string;
let failedRequest: string;

beforeAll(async () => {
  const { chat, send, text, fault, waitForExecutions } = outbound(world.local);
  chatId = await chat({ customer: { name: 'Noor Haddad' } });
  await world.local.idle();
  await fault({ kind: 'error', status: 500, type: 'internal', method: 'send_event', count: 1 });
  await send(chatId, text('Your parcel is on its way.'));
  await waitForExecutions();
  await fault({ kind: 'error', status: 422, type: 'validation', method: 'send_event', count: 1 });
  failedRequest = await send(chatId, text('It arrives tomorrow.'));
  await waitForExecutions();
}, 60_000);
const rows = (page: Page) => page.getByRole('region', { name: 'Executions' }).getByRole('link');

describe.each(widths)('executions on a screen %i pixels wide', options, (width) => {
  const open = (path: string) => world.openPath(`#/executions${path}`, width);

  it('lists each with its customer, message, attempts and error, and opens one', async () => {
    const { page } = await open('');
    await expect.poll(() => rows(page).count()).toBe(2);
    const [failed, sent] = [rows(page).first(), rows(page).last()];
    await failed.getByText('Noor Haddad').waitFor();
    await failed.getByText('It arrives tomorrow.').waitFor();
    await failed.getByText('ChannelClientError').waitFor();
    await sent.getByText('Your parcel is on its way.').waitFor();
    expect(await sent.locator('.number').first().textContent()).toBe('2 attempts');
    await expectAccessible(page);
    await failed.click();
    await page.getByRole('heading', { level: 1, name: 'Execution' }).waitFor();
    await page.locator('.head').getByText('It arrives tomorrow.').waitFor();
    await page.locator('.head').getByRole('link', { name: 'dead letter' }).waitFor();
    await expectAccessible(page);
  });

  it('filters by status and error, and finds a request', async () => {
    const { page } = await open('');
    await expect.poll(() => rows(page).count()).toBe(2);
    await page.getByLabel('Status').selectOption('SUCCEEDED');
    await expect.poll(() => rows(page).count()).toBe(1);
    await page.getByText('Your parcel is on its way.').waitFor();
    await page.getByLabel('Status').selectOption('');
    await page.getByLabel('Failed with').selectOption('ChannelClientError');
    await expect.poll(() => rows(page).count()).toBe(1);
    await page.getByText('It arrives tomorrow.').waitFor();
    await page.getByLabel('Failed with').selectOption('RequestExpired');
    await page.getByRole('heading', { name: 'No matching executions' }).waitFor();
    await expectAccessible(page);
    await page.getByRole('link', { name: 'show all' }).click();
    await page.getByLabel('Search').fill(failedRequest);
    await expect.poll(() => rows(page).count()).toBe(1);
    await page.getByText('It arrives tomorrow.').waitFor();
    await page.getByLabel('Search').fill('unknown');
    await page.getByRole('heading', { name: 'No execution for “unknown”' }).waitFor();
    await expectAccessible(page);
  });
});
