import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { startLocal } from '../local.ts';
import { outbound } from '../outbound.ts';
import { setup } from './build-page.ts';
import { openBrowser, type Visitor, visit } from './visitor.ts';

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

/** A customer asks, and a service replies through the bus. */
async function talk([name, question]: (typeof questions)[number], answer: string): Promise<string> {
  const chatId = await chat({ customer: { name }, text: question });
  await wait(700);
  await send(chatId, text(answer));
  return chatId;
}

async function picture(page: Page, name: string): Promise<void> {
  await page.mouse.move(0, 0);
  await wait(1_200);
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path });
  const { size } = await stat(path);
  if (size > maxBytes) throw new Error(`${path} must be smaller than ${maxBytes} bytes, and has ${size}`);
  console.log(`${name}.png ${Math.round(size / 1000)} KB`);
}

async function seen(visitor: Visitor, shots: (page: Page) => Promise<void>): Promise<void> {
  await shots(visitor.page);
  await visitor.close();
}

try {
  for (const question of questions) await talk(question, 'Good question. I look it up and come back to you.');
  await waitForExecutions();

  const troubled = await chat({
    customer: { name: 'Nora Lindqvist' },
    text: 'Hello, my parcel 4712 has not come yet.',
  });
  await wait(1_000);
  await act(troubled, { as: 'agent', action: 'note', text: 'A regular customer: please be quick.' });
  await fault({ kind: 'error', status: 500, type: 'internal', method: 'send_event', count: 2 });
  await send(troubled, text('It left our warehouse this morning and arrives tomorrow.'));
  await waitForExecutions();
  await act(troubled, { action: 'message', text: 'Great, thank you!' });
  await act(troubled, { action: 'seen' });
  await fault({ kind: 'error', status: 422, type: 'validation', method: 'send_event' });
  await Promise.all([send(troubled, text('Is there anything else?')), talk(questions[2], 'We correct it today.')]);
  await waitForExecutions();
  await clearFaults();

  await seen(await visit(browser, 1280), async (page) => {
    await page.goto(local.console);
    await page.getByText('Live', { exact: true }).waitFor();
    for (const question of questions) await talk(question, 'Yes, we do.');
    await waitForExecutions();
    await picture(page, 'flow');

    await page.goto(`${local.console}#/conversations/${troubled}`);
    const answer = page.locator('.said').filter({ hasText: 'It left our warehouse' });
    await answer.getByText('Timeline').click();
    await answer.scrollIntoViewIfNeeded();
    await picture(page, 'conversation');

    await page.goto(`${local.console}#/dead-letters`);
    await page.getByRole('checkbox', { name: /^Select all/ }).check();
    await page.getByRole('button', { name: /^Redrive/ }).click();
    await page.getByText('would be redriven').waitFor();
    await picture(page, 'dead-letters');
  });

  await seen(await visit(browser, 1280, 'dark'), async (page) => {
    await page.goto(`${local.console}#/simulator`);
    const customer = page.getByRole('textbox', { name: 'Message as customer' });
    await customer.fill('Is this still in stock?');
    await customer.press('Enter');
    const sees = page.getByRole('list', { name: 'What the agent sees' });
    await sees.getByText('Is this still in stock?').waitFor();
    await page.getByRole('button', { name: '500' }).click();
    await page.getByText('1 active fault').waitFor();
    const agent = page.getByRole('textbox', { name: 'Message as agent' });
    await agent.fill('Yes, twelve of them.');
    await agent.press('Enter');
    await sees.getByText('after 2 failed attempts').waitFor();
    await picture(page, 'play');
  });

  await seen(await visit(browser, 390, 'dark'), async (page) => {
    await page.goto(local.console);
    await page.getByText('Live', { exact: true }).waitFor();
    await picture(page, 'flow-narrow');
  });
} finally {
  await browser.close();
  await local.stop();
}
