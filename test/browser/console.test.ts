import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Local, startLocal } from '../local.ts';
import { outbound } from '../outbound.ts';
import { faultsOf, openBrowser, overflows, type Visitor, visit, widths } from './visitor.ts';

/** A person does many things in one test, and the machine may be busy with others. */
const patience = { timeout: 120_000 };

let local: Local;
let browser: Browser;
let visitor: Visitor | undefined;

beforeAll(async () => {
  [local, browser] = await Promise.all([startLocal(), openBrowser()]);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await local?.stop();
});

afterEach(async () => {
  await visitor?.close();
  await outbound(local).calm();
});

const section = async (page: Page, name: string) => {
  await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
};

const say = async (page: Page, as: 'customer' | 'agent', text: string) => {
  const box = page.getByRole('textbox', { name: `Message as ${as}` });
  await box.fill(text);
  await box.press('Enter');
};

const fine = async (page: Page) => {
  expect(await faultsOf(page)).toEqual([]);
  expect(await overflows(page)).toBe(false);
};

describe.each(widths)('on a screen %i pixels wide', patience, (width) => {
  const open = async (path = '') => {
    visitor = await visit(browser, width);
    await visitor.page.goto(`${local.console}${path}`);
    await visitor.page.getByText('Live', { exact: true }).waitFor();
    return visitor;
  };

  it('a message is watched from the customer to the tables, and survives what LiveChat does', async () => {
    const { page, complaints } = await open();
    await page.getByText('Nothing has passed since this page was opened').waitFor();

    await section(page, 'Play');
    const question = `Where is my parcel? (${width})`;
    await say(page, 'customer', question);
    const agentSees = page.getByRole('list', { name: 'What the agent sees' });
    await agentSees.getByText(question).waitFor();
    await fine(page);

    await page.getByRole('button', { name: '500' }).click();
    await page.getByText('1 fault is waiting for the next sends').waitFor();
    await say(page, 'agent', 'It left this morning.');
    await page.getByRole('list', { name: 'What the customer sees' }).getByText('It left this morning.').waitFor();
    await agentSees.getByText('after 2 failed').waitFor();
    await agentSees.getByText('delivered', { exact: true }).waitFor();

    await section(page, 'Live flow');
    const passed = page.getByRole('list', { name: 'Events, latest first' });
    await passed.getByText('message.received').first().waitFor();
    await passed.getByText('message.delivered').first().waitFor();
    await page
      .locator('[data-station="livechat"]')
      .getByText(/failed/)
      .or(page.locator('.station.failed'))
      .first()
      .waitFor();
    await fine(page);

    await section(page, 'Conversations');
    await page.getByRole('link', { name: 'Ada Morgan' }).first().click();
    await page.getByRole('heading', { level: 1, name: 'Ada Morgan' }).waitFor();
    await page.locator('.said.left').getByText(question).waitFor();
    const answer = page.locator('.said.right').filter({ hasText: 'It left this morning.' });
    await answer.getByText('What has become of it').click();
    const step = (text: RegExp) => answer.getByRole('listitem').filter({ hasText: text });
    for (const number of [1, 2]) {
      const attempt = step(new RegExp(`^attempt ${number} failed after \\d+ ms`));
      await attempt.getByText('LiveChatServerError (500 internal)').waitFor();
      await attempt.getByRole('time').waitFor();
    }
    await step(/^attempt 3: LiveChat took it within .* later/)
      .getByRole('time')
      .waitFor();
    await step(/^delivered: came back by webhook/)
      .getByRole('time')
      .waitFor();
    await step(/^stored, \d+ ms after receipt/)
      .getByRole('time')
      .waitFor();
    await answer.getByText('custom_id').waitFor();
    await fine(page);

    await step(/^attempt 1 failed/)
      .getByRole('link', { name: 'its run' })
      .click();
    await page.getByRole('heading', { level: 1, name: 'Execution' }).waitFor();
    await page.getByText('Tried again, attempt 3 of this visit').waitFor();
    await page.getByRole('img', { name: 'This run went through Send.' }).waitFor();
    await fine(page);
    expect(complaints).toEqual([]);
  });

  it('what LiveChat refuses is found in the dead letters, redriven, and seen delivered', async () => {
    const { page, complaints } = await open('#/play');
    await say(page, 'customer', 'Can you help me?');
    await page.getByRole('list', { name: 'What the agent sees' }).getByText('Can you help me?').waitFor();
    await page.getByRole('button', { name: 'Refused' }).click();
    await page.getByText('1 fault is waiting for the next sends').waitFor();
    await say(page, 'agent', 'Of course.');
    await page.getByRole('link', { name: 'Dead letter', exact: true }).click();

    await page.getByRole('heading', { level: 1, name: 'Dead letters' }).waitFor();
    await page.getByRole('region', { name: 'Dead letters' }).getByRole('link').first().waitFor();
    await fine(page);
    await page.getByRole('region', { name: 'Dead letters' }).getByRole('link').first().click();
    await page.getByText('LiveChatClientError').first().waitFor();
    await page.getByText('"content": "Of course."').waitFor();
    await fine(page);

    // In the transcript it stands with what it says, which its run alone knows, and leads back to the dead letter.
    await page.locator('.head').getByRole('link').click();
    const waiting = page.locator('.said.pending');
    await waiting.getByText('Of course.').waitFor();
    await waiting.getByText('LiveChatClientError (422 validation), LiveChat refuses this message').waitFor();
    await fine(page);
    await waiting.getByRole('link', { name: 'the dead letter' }).click();
    await page.getByText('LiveChatClientError').first().waitFor();

    // LiveChat is well again.
    await outbound(local).calm();
    await page.getByRole('button', { name: 'Redrive…' }).click();
    await page.getByText('1 would be sent again').waitFor();
    await fine(page);
    await page.getByRole('button', { name: 'Redrive 1 now' }).click();
    await page.getByText('1 of 1 redriven').waitFor();
    await page.getByRole('link', { name: 'see it in the transcript' }).click();
    const sent = page.locator('.said.right').filter({ hasText: 'Of course.' });
    await sent.getByText('delivered', { exact: true }).waitFor();
    await sent.getByText('What has become of it').click();
    const redriven = sent.getByRole('listitem').filter({ hasText: /^redriven from the dead letters/ });
    await redriven.getByRole('time').waitFor();
    await redriven.getByRole('link', { name: 'the dead letter' }).waitFor();
    await sent.getByText(/^attempt 2: LiveChat took it/).waitFor();
    expect(complaints).toEqual([]);
  });

  it('a selection of dead letters is redriven with a dry run first', async () => {
    const { chat, fault, send, settled, calm } = outbound(local);
    const chatId = await chat({ customer: { name: `Kim ${width}` } });
    await local.idle();
    await fault({ kind: 'error', status: 422, type: 'validation', method: 'send_event' });
    await Promise.all([send(chatId), send(chatId)]);
    await settled();
    await calm();
    const { page } = await open(`#/dead-letters?chat=${chatId}`);
    await page.getByRole('checkbox', { name: 'Select all 2' }).check();
    await page.getByRole('button', { name: 'Redrive 2…' }).click();
    await page.getByText('2 would be sent again').waitFor();
    await page.getByRole('button', { name: 'Redrive 2 now' }).click();
    await page.getByRole('heading', { name: 'No dead letter matches' }).waitFor();
    await expect.poll(() => outbound(local).shown(chatId), { timeout: 20_000 }).toEqual(['Hi', 'Hi']);
  });

  it('the gate is paused and resumed', async () => {
    await outbound(local).chat();
    await local.idle();
    const { page } = await open('#/gate');
    await page.getByText('passing', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('paused', { exact: true }).waitFor();
    await fine(page);
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('passing', { exact: true }).waitFor();
  });

  it('a changed rule is tried against recent conversations, and one that does not fit is named', async () => {
    await outbound(local).chat();
    await local.idle();
    const { page } = await open('#/routing');
    const editor = page.getByRole('textbox', { name: 'Rules, as JSON' });
    await editor.fill('{"match":"first","rules":[{"name":"all","do":{"tag":["hello"]}}]}');
    await page.getByRole('button', { name: 'Try against recent conversations' }).click();
    await page.getByText(/[1-9]\d* of \d+ conversations would have gone another way/).waitFor();
    await page.getByText('Then: tag hello (all)').first().waitFor();
    await fine(page);
    await editor.fill('{"match":"first","rules":[{"name":"all","do":{}}]}');
    await page.getByRole('button', { name: 'Try against recent conversations' }).click();
    await page.getByRole('alert').getByText('rules.rules.0.do').waitFor();
  });
});

describe('for everyone', patience, () => {
  it('what a customer writes is text, and links open without telling where from', async () => {
    const hostile = '<img src=x onerror="document.title=1"> https://example.com/a javascript:alert(1)';
    const chatId = await outbound(local).chat({ customer: { name: '<b>Eve</b>' }, text: hostile });
    await local.idle();
    visitor = await visit(browser, 1280);
    const { page, complaints } = visitor;
    await page.goto(`${local.console}#/conversations/${chatId}`);
    await page.getByRole('heading', { level: 1, name: '<b>Eve</b>' }).waitFor();
    const content = page.locator('.said .content').first();
    expect(await content.textContent()).toBe(hostile);
    const links = content.getByRole('link');
    expect(await links.count()).toBe(1);
    expect(await links.getAttribute('rel')).toBe('noopener noreferrer');
    expect(await content.locator('img').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('a picture is shown, cards and their buttons are drawn, and a note is marked', async () => {
    const { chat, act } = outbound(local);
    const chatId = await chat();
    await act(chatId, { action: 'file', name: 'label.png', contentType: 'image/png' });
    await act(chatId, { as: 'agent', action: 'note', text: 'Be quick' });
    const buttons = [{ text: 'Track it', type: 'message', value: 'track', postback_id: 'track' }];
    const elements = [{ title: 'Your parcel', subtitle: 'On its way', buttons }];
    await act(chatId, { as: 'agent', action: 'rich-message', templateId: 'cards', elements });
    visitor = await visit(browser, 1280);
    const { page, complaints } = visitor;
    await page.goto(`${local.console}#/conversations/${chatId}`);
    const picture = page.getByRole('img', { name: 'label.png' });
    await picture.waitFor();
    const drawn = `document.querySelector('img[alt="label.png"]').naturalWidth > 0`;
    await expect.poll(() => page.evaluate(drawn)).toBe(true);
    await page.locator('.said.note').getByText('Internal note').waitFor();
    await page.locator('.chat-card').getByText('Track it').waitFor();
    expect(await faultsOf(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('everything is reached by the keyboard alone', async () => {
    await outbound(local).chat({ customer: { name: 'Noor' } });
    await local.idle();
    visitor = await visit(browser, 1280);
    const { page } = visitor;
    await page.goto(local.console);
    await page.getByText('Live', { exact: true }).waitFor();
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

  it.each(['light', 'dark'] as const)('no page has a serious fault in the %s', async (scheme) => {
    visitor = await visit(browser, 1280, scheme);
    const { page } = visitor;
    for (const name of ['flow', 'conversations', 'executions', 'dead-letters', 'routing', 'gate', 'play', 'nowhere']) {
      await page.goto(`${local.console}#/${name}`);
      await page.locator('main h1, main h2').first().waitFor();
      await page.waitForLoadState('networkidle', { timeout: 100 }).catch(() => {});
      expect(await faultsOf(page)).toEqual([]);
    }
  });

  it('says what to do when the console has gone, and when nothing is found', async () => {
    visitor = await visit(browser, 1280);
    const { page } = visitor;
    await page.goto(`${local.console}#/conversations?search=nobody-is-called-this`);
    await page.getByRole('heading', { name: 'No conversation matches' }).waitFor();
    await page.route('**/api/gate', (route) => route.abort());
    await section(page, 'Gate');
    await page.getByText('Is it still running in its terminal?').waitFor();
    await page.unroute('**/api/gate');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('button', { name: 'Pause' }).first().waitFor();
  });

  it('says why a waiting part does not tell what it says', async () => {
    const { chat, send, fault, settled, text } = outbound(local);
    const chatId = await chat();
    await fault({ kind: 'error', status: 422, type: 'validation', method: 'send_event' });
    await send(chatId, text('Nobody reads this'));
    await settled();
    visitor = await visit(browser, 390);
    const { page } = visitor;
    // A run that AWS has forgotten, after 90 days; and an answer that did not come.
    await page.route('**/api/executions/*', (route) => route.fulfill({ status: 404, json: { error: {} } }));
    await page.goto(`${local.console}#/conversations/${chatId}`);
    await page.getByText('What it says cannot be shown any more: its run is not there.').waitFor();
    await fine(page);
    await page.unroute('**/api/executions/*');
    await page.route('**/api/executions/*', (route) => route.abort());
    await page.reload();
    await page.getByText('What it says is in its run, which could not be read').waitFor();
    await page.unroute('**/api/executions/*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('Nobody reads this').waitFor();
  });
});
