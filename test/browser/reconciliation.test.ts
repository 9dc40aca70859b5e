import { beforeAll, describe, expect, it } from 'vitest';
import type { ReconciliationRun, ReconciliationView } from '../../core/reconciliation/report.ts';
import { organizationId } from '../local.ts';
import { outbound } from '../outbound.ts';
import { backfillLater } from './backfill.ts';
import { expectAccessible, expectAccessibleAtEachWidth, type OpenPage, respond, useConsole, widths } from './page.ts';

const world = useConsole();

/** Each test has many steps, which are slow under load. */
const options = { timeout: 120_000 };

let chatId: string;

beforeAll(async () => {
  chatId = await outbound(world.local).chat({ customer: { name: 'Noor' } });
  await world.local.idle();
}, 60_000);

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

const run = (runId: string, minutes: number, more: Partial<ReconciliationRun> = {}): ReconciliationRun => ({
  organizationId,
  runId,
  reason: 'schedule',
  status: 'complete',
  startedAt: minutesAgo(minutes),
  endedAt: minutesAgo(minutes - 1),
  from: minutesAgo(minutes + 75),
  to: minutesAgo(minutes + 2),
  report: {
    threads: 44,
    equal: 44,
    repaired: 0,
    unprovable: {},
    examples: [],
    published: 0,
    events: {},
    calls: 4,
    passes: 1,
  },
  ...more,
});

/** Opens a path of the console, with this reconciliation. */
async function open(
  path: string,
  organizations: ReconciliationView[],
  { width = 1280, everyMinutes = 15 }: { width?: 1280 | 390; everyMinutes?: number } = {},
): Promise<OpenPage> {
  const opened = await world.open(width);
  const { page } = opened;
  await respond(page, '/reconciliation', { organizations, everyMinutes });
  await page.goto(`${world.local.console}${path}`);
  return opened;
}

describe.each(widths)('on a screen %i pixels wide', options, (width) => {
  it('shows the watermark, the run in progress, and what each run found', async () => {
    const { endedAt: _, ...started } = run('current', 1, { status: 'running' });
    const repairing = run('repairing', 40, {
      reason: 'recovery',
      report: {
        ...run('', 0).report,
        repaired: 3,
        published: 7,
        events: { 'message.received': 5, 'chat.observed': 2 },
        unprovable: { 'not found': 2 },
        examples: [{ conversationId: chatId, threadId: 'T1', reason: 'not found' }],
      },
    });
    const error = { name: 'ChannelServerError', message: 'list_archives: 503 internal' };
    const failing = run('failing', 60, { status: 'failed', error });
    const view = {
      organizationId,
      watermark: minutesAgo(4),
      running: started,
      last: run('quiet', 15),
      runs: [repairing, failing],
    };
    const { page } = await open('#/flow', [view], { width });
    await page.getByRole('navigation').getByRole('link', { name: 'Reconciliation' }).click();
    await page.getByText(/Proven complete up to [\d:]+ \S+, 4 min ago\.$/).waitFor();
    const rows = page.getByRole('list', { name: 'Runs, latest first' }).getByRole('listitem');
    const texts = await rows.allTextContents();
    expect(texts).toEqual([
      expect.stringContaining('No difference in 44 threads so far'),
      expect.stringContaining('No difference in 44 threads'),
      expect.stringContaining('7 events published, 3 threads repaired, 2 threads unprovable'),
      expect.stringContaining('ChannelServerError: list_archives: 503 internal'),
    ]);
    await page.getByText('Shows the last run, and the latest 20 runs of 30 days').waitFor();
    await expectAccessible(page);

    await rows.nth(2).getByRole('link').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Reconciliation run' }).waitFor();
    const figure = (name: string) => page.locator('.figures > div').filter({ hasText: name }).locator('dd');
    expect(await figure('message.received').textContent()).toBe('5');
    expect(await figure('Calls to the channel').textContent()).toBe('4');
    await page.getByText('not found: 2 threads').waitFor();
    await page.getByText('and 1 more').waitFor();
    await expectAccessible(page);
    await page.getByRole('link', { name: chatId }).click();
    await page.getByRole('heading', { level: 1, name: 'Noor' }).waitFor();
    await page.goto(`${world.local.console}#/reconciliation/failing`);
    await page.getByText('ChannelServerError: list_archives: 503 internal').waitFor();
    await expectAccessible(page);
  });

  it('explains how to start a run if the schedule is off or nothing has run yet', async () => {
    const { page } = await open('#/reconciliation', [{ organizationId, runs: [] }], { width, everyMinutes: 0 });
    await page.getByText('The schedule is off').waitFor();
    await page.getByText('not proven yet').waitFor();
    await page.getByText('npx livechat backfill --since 2h --dry-run', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Copy Dry run' }).waitFor();
    await expectAccessible(page);
  });
});

describe('on any screen', options, () => {
  it('warns about a watermark that is older than the limit of the alarm', async () => {
    const { page } = await open('#/reconciliation', [{ organizationId, watermark: minutesAgo(130), runs: [] }]);
    await page.locator('.badge.warn').getByText('late', { exact: true }).waitFor();
    await expectAccessibleAtEachWidth(page);
  });

  it('explains a link to a run that is not kept', async () => {
    const { page } = await open('#/reconciliation/gone', [{ organizationId, runs: [] }]);
    await page.getByRole('heading', { name: 'This run is not kept' }).waitFor();
    await expectAccessibleAtEachWidth(page);
    await page.getByRole('link', { name: 'Show the latest runs' }).click();
    await page.getByRole('heading', { level: 1, name: 'Reconciliation' }).waitFor();
  });

  it('links an event that requests a run to the runs', async () => {
    const { page } = await open('', []);
    await page.getByText('Live', { exact: true }).waitFor();
    await outbound(world.local).put('test', 'reconciliation.requested', { data: { reason: 'recovery' } });
    await page
      .getByRole('list', { name: 'Events, latest first' })
      .getByRole('link', { name: 'Reconciliation' })
      .click();
    await page.getByRole('heading', { level: 1, name: 'Reconciliation' }).waitFor();
  });

  it('marks the events that a run published, and shows the run', async () => {
    const { act, fault, clearFaults } = outbound(world.local);
    await fault({ kind: 'webhooks-not-sent' });
    await act(chatId, { action: 'message', text: 'Is anybody there?' });
    await act(chatId, { as: 'agent', action: 'close' });
    await clearFaults();
    const { page } = await world.openPath('', 1280);
    await backfillLater(world.local);

    const events = page.getByRole('list', { name: 'Events, latest first' }).getByRole('listitem');
    for (const type of ['message.received', 'chat.observed']) {
      const event = events.filter({ hasText: type }).first();
      await event.getByText('recovered', { exact: true }).waitFor();
      await event.getByRole('link', { name: chatId }).waitFor();
    }
    await expectAccessibleAtEachWidth(page);
    await page.getByRole('navigation').getByRole('link', { name: 'Reconciliation' }).click();
    await page.getByRole('link', { name: /1 thread repaired/ }).click();
    // LiveChat adds a system message when a chat is closed.
    const received = page.locator('.figures > div').filter({ hasText: 'message.received' });
    expect(await received.locator('dd').textContent()).toBe('2');
    await page.getByText('The last pass found no difference.').waitFor();
  });
});
