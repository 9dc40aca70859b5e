import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { organizationId, post, startLocal } from '../local.ts';
import { outbound } from '../outbound.ts';
import { backfillLater } from './backfill.ts';
import { setup } from './build-page.ts';
import { type OpenPage, openBrowser, openPage } from './page.ts';

/** `npm run screenshots`: the README's screenshots of the console, with live activity. */

const folder = join(import.meta.dirname, '..', '..', 'docs', 'images');
const maxBytes = 300_000;

await setup();
await mkdir(folder, { recursive: true });
const local = await startLocal({}, []);
const browser = await openBrowser();
const { chat, act, send, fault, clearFaults, text, waitForExecutions } = outbound(local);

const questions = [
  ['Dana Whitfield', 'Hello, where is my parcel? Order 4711.'],
  ['Marek Nowak', 'Can I change the delivery address?'],
  ['Aiko Tanaka', 'My invoice shows the wrong company.'],
  ['Lucía Pérez', 'Do you deliver on Saturdays?'],
  ['Sam Okafor', 'The discount code does not work.'],
  ['Ines Martins', 'Thanks, that was quick!'],
] as const;

/** Starts a chat with a customer's question and sends the reply through the bus. */
async function askAndReply([name, question]: (typeof questions)[number], answer: string): Promise<string> {
  const chatId = await chat({ customer: { name }, text: question });
  await wait(700);
  await send(chatId, text(answer));
  return chatId;
}

async function takeScreenshot(page: Page, name: string): Promise<void> {
  await page.mouse.move(0, 0);
  await wait(1_200);
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path });
  const { size } = await stat(path);
  if (size > maxBytes) throw new Error(`${path} must not exceed ${maxBytes} bytes, but has ${size}`);
  console.log(`${name}.png ${Math.round(size / 1000)} KB`);
}

async function withPage(opened: OpenPage, shots: (page: Page) => Promise<void>): Promise<void> {
  await shots(opened.page);
  await opened.close();
}

try {
  for (const question of questions) await askAndReply(question, 'Good question. I look it up and come back to you.');
  await waitForExecutions();

  const chatWithFailures = await chat({
    customer: { name: 'Nora Lindqvist' },
    text: 'Hello, my parcel 4712 has not come yet.',
  });
  await wait(1_000);
  await act(chatWithFailures, { as: 'agent', action: 'note', text: 'A regular customer: please be quick.' });
  await fault({ kind: 'error', status: 500, type: 'internal', method: 'send_event', count: 2 });
  await send(chatWithFailures, text('It left our warehouse this morning and arrives tomorrow.'));
  await waitForExecutions();
  await act(chatWithFailures, { action: 'message', text: 'Great, thank you!' });
  await act(chatWithFailures, { action: 'seen' });
  await fault({ kind: 'error', status: 422, type: 'validation', method: 'send_event' });
  await Promise.all([
    send(chatWithFailures, text('Is there anything else?')),
    askAndReply(questions[2], 'We correct it today.'),
  ]);
  await waitForExecutions();
  await clearFaults();

  await withPage(await openPage(browser, 1280), async (page) => {
    await page.goto(local.console);
    await page.getByText('Live', { exact: true }).waitFor();
    for (const question of questions) await askAndReply(question, 'Yes, we do.');
    await waitForExecutions();
    await takeScreenshot(page, 'flow');

    await page.goto(`${local.console}#/conversations/${chatWithFailures}`);
    const answer = page.locator('.message').filter({ hasText: 'It left our warehouse' });
    await answer.locator('summary').click();
    await answer.scrollIntoViewIfNeeded();
    await takeScreenshot(page, 'conversation');

    await page.goto(`${local.console}#/dead-letters`);
    await page.getByRole('checkbox', { name: /^Select all \d/ }).check();
    await page.getByRole('button', { name: /^Redrive/ }).click();
    await page.getByText('would be redriven').waitFor();
    await takeScreenshot(page, 'dead-letters');

    await post(local, { action: 'incoming_event', organization_id: organizationId, secret_key: 'wrong', payload: {} });
    await page.goto(`${local.console}#/events`);
    await page.getByText('refused 401').waitFor();
    await takeScreenshot(page, 'events');
  });

  await fault({ kind: 'webhooks-not-sent' });
  for (const [name, question] of questions) await chat({ customer: { name }, text: question });
  await act(chatWithFailures, { action: 'message', text: 'Did you get my last message?' });
  await act(chatWithFailures, { as: 'agent', action: 'close' });
  await clearFaults();
  await backfillLater(local);
  await withPage(await openPage(browser, 1280), async (page) => {
    await page.goto(`${local.console}#/reconciliation`);
    await page.getByRole('list', { name: 'Runs, latest first' }).getByRole('link').first().click();
    await page.getByRole('heading', { level: 1, name: 'Reconciliation run' }).waitFor();
    await takeScreenshot(page, 'reconciliation');
  });

  await withPage(await openPage(browser, 1280, 'dark'), async (page) => {
    await page.goto(`${local.console}#/sandbox`);
    const customer = page.getByRole('textbox', { name: 'Message as customer' });
    await customer.fill('Is this still in stock?');
    await customer.press('Enter');
    const agentMessages = page.getByRole('list', { name: 'What the agent sees' });
    await agentMessages.getByText('Is this still in stock?').waitFor();
    await page.getByRole('button', { name: '500' }).click();
    await page.getByText('1 active fault').waitFor();
    const agent = page.getByRole('textbox', { name: 'Message as agent' });
    await agent.fill('Yes, twelve of them.');
    await agent.press('Enter');
    await agentMessages.getByText('delivered', { exact: true }).waitFor();
    await takeScreenshot(page, 'sandbox');
  });

  await withPage(await openPage(browser, 390, 'dark'), async (page) => {
    await page.goto(local.console);
    await page.getByText('Live', { exact: true }).waitFor();
    await takeScreenshot(page, 'flow-narrow');
  });
} finally {
  await browser.close();
  await local.stop();
}
