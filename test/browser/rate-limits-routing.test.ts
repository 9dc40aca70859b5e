import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RateLimitView } from '../../core/channel/rate-limit-store.ts';
import { fixture } from '../fixtures.ts';
import { organizationId, post } from '../local.ts';
import { outbound } from '../outbound.ts';
import { expectAccessible, expectAccessibleAtEachWidth, respond, useConsole, widths } from './page.ts';

const world = useConsole({ ORGANIZATION_NAMES: `${organizationId}=Acme, ${randomUUID()}=Unused` });

const options = { timeout: 120_000 };
const otherOrganization = randomUUID();

let chatId: string;

beforeAll(async () => {
  chatId = await outbound(world.local).chat({ customer: { name: 'Noor Haddad' } });
  const body = { ...fixture('incoming_chat.json'), organization_id: otherOrganization, secret_key: world.local.secret };
  await post(world.local, body);
  await world.local.idle();
}, 60_000);
describe.each(widths)('on a screen %i pixels wide', options, (width) => {
  const open = (path: string) => world.openPath(`#/${path}`, width);

  it('confirms a pause, and shows the waiting sends', async () => {
    const { send, text } = outbound(world.local);
    const { page } = await open('rate-limits');
    const card = page.getByRole('region', { name: 'Rate limit of Acme' });
    await card.getByText('breaker closed', { exact: true }).waitFor();
    await card.getByRole('button', { name: 'Pause…' }).click();
    const question = card.getByRole('form', { name: 'Pause' });
    await question.getByText('Sending and routing of Acme stop').waitFor();
    await card.getByText(/waits? to be sent/).waitFor();
    await expectAccessible(page);
    await question.getByRole('button', { name: 'Cancel' }).click();
    await card.getByText('breaker closed', { exact: true }).waitFor();
    await expectAccessible(page);

    await card.getByRole('button', { name: 'Pause…' }).click();
    await question.getByRole('button', { name: 'Pause now' }).click();
    await card.getByText('paused', { exact: true }).waitFor();
    await send(chatId, text(`Waits on ${width}`));
    await card.getByRole('listitem').getByText(`Waits on ${width}`).waitFor();
    await card.getByRole('link', { name: 'Noor Haddad' }).first().waitFor();
    await expectAccessible(page);
    await card.getByRole('button', { name: 'Resume' }).click();
    await card.getByText('breaker closed', { exact: true }).waitFor();
  });

  it('shows the rate limit of the chosen organization', async () => {
    const { page } = await open('rate-limits');
    const cards = page.getByRole('region', { name: 'Rate limit of' });
    await expect.poll(() => cards.count()).toBe(2);
    await page.getByLabel('Organization').selectOption({ label: `Acme (${organizationId})` });
    await expect.poll(() => cards.count()).toBe(1);
    await page.getByLabel('Organization').selectOption(otherOrganization);
    await page.getByRole('region', { name: `Rate limit of ${otherOrganization}` }).waitFor();
    await expectAccessible(page);
  });

  it('reports failed calls', async () => {
    const { page } = await open(`rate-limits?organizationId=${organizationId}`);
    const card = page.getByRole('region', { name: 'Rate limit of Acme' });
    await page.route('**/api/executions?*', (route) => route.abort());
    await card.getByRole('button', { name: 'Pause…' }).click();
    await card.getByText('The console does not respond.').waitFor();
    await expectAccessible(page);
    await page.route('**/api/rate-limits/*', (route) => route.abort());
    await card.getByRole('button', { name: 'Pause now' }).click();
    await card.getByRole('alert').getByText('The console does not respond.').waitFor();
    await expectAccessible(page);
  });

  it('shows the changes of a draft of rules, and applies the draft after a confirmation', async () => {
    const tag = `tag-${width}`;
    const { page } = await open(`routing?organizationId=${organizationId}`);
    const editor = page.getByRole('textbox', { name: 'Rules, as JSON' });
    const dryRun = page.getByRole('button', { name: 'Dry run' });
    await editor.fill(JSON.stringify({ match: 'first', rules: [{ name: 'all', do: { tag: [tag] } }] }));
    await dryRun.click();
    const changes = page.getByRole('region', { name: 'Changes of the draft' });
    await changes.locator('ins', { hasText: `"${tag}"` }).waitFor();
    const row = page.getByRole('table').getByRole('row', { name: chatId });
    await row.getByText('differs').waitFor();
    await row.getByText(`tag ${tag} (all)`).waitFor();
    await expectAccessible(page);

    await page.getByRole('button', { name: 'Apply…' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Apply…' }).click();
    await page.getByLabel('Comment').fill(`Tags of ${tag}`);
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Apply as version' }).click();
    const active = page.getByRole('region', { name: 'Rules of Acme' });
    await active.getByText(`Tags of ${tag}`).waitFor();
    await active.getByText(`tag ${tag}`).waitFor();
    await dryRun.click();
    await page.getByText('The draft is identical to the active rules.').waitFor();
    await expectAccessible(page);
    expect(await page.getByRole('button', { name: 'Apply…' }).count()).toBe(0);
  });
});

it('shows each state of the circuit breaker', options, async () => {
  const closed: RateLimitView = {
    organizationId,
    paused: false,
    breaker: 'closed',
    reason: '',
    callsPerSecond: 10,
    baseCallsPerSecond: 10,
    sendsPerSecond: 8,
    backlogSeconds: 0,
    failures: 0,
    successes: 0,
  };
  const rateLimits: RateLimitView[] = [
    { ...closed, callsPerSecond: 2.5, failures: 3, backlogSeconds: 12 },
    { ...closed, organizationId: 'half', breaker: 'half-open', reason: 'failures' },
    { ...closed, organizationId: 'open', breaker: 'open', reason: 'credentials', openUntil: new Date().toISOString() },
    { ...closed, organizationId: 'both', paused: true, breaker: 'open', reason: 'failures' },
  ];
  const { page } = await world.open(1280);
  await respond(page, '/rate-limits', { organizations: [organizationId, 'half', 'open', 'both'], rateLimits });
  await page.goto(`${world.local.console}#/rate-limits`);
  for (const name of ['breaker closed', 'breaker half-open', 'breaker open', 'paused']) {
    await page.getByText(name, { exact: true }).waitFor();
  }
  await expectAccessibleAtEachWidth(page);
});

describe('a draft of rules', options, () => {
  const startDraft = async (ruleSet: object) => {
    const { page } = await world.open(1280);
    await page.goto(`${world.local.console}#/routing?organizationId=${organizationId}`);
    await page.getByRole('textbox', { name: 'Rules, as JSON' }).fill(JSON.stringify(ruleSet));
    await page.getByRole('button', { name: 'Dry run' }).click();
    return page;
  };
  const tagAll = (tag: string) => ({ match: 'first', rules: [{ name: 'all', do: { tag: [tag] } }] });

  it('that is invalid names the field, or that it is not JSON', async () => {
    const page = await startDraft({ match: 'first', rules: [{ name: 'all', do: {} }] });
    await page.getByRole('alert').getByText('ruleSet.rules.0.do').waitFor();
    await expectAccessibleAtEachWidth(page);
    await page.getByRole('textbox', { name: 'Rules, as JSON' }).fill('{');
    await page.getByRole('button', { name: 'Dry run' }).click();
    await page.getByRole('alert').getByText('Invalid JSON').waitFor();
    await expectAccessibleAtEachWidth(page);
  });

  it('is not applied if it was edited after its dry run', async () => {
    const page = await startDraft(tagAll('first'));
    await page.getByRole('button', { name: 'Apply…' }).waitFor();
    await page.getByRole('textbox', { name: 'Rules, as JSON' }).fill(JSON.stringify(tagAll('second')));
    await expect.poll(() => page.getByRole('button', { name: 'Apply…' }).count()).toBe(0);
  });

  it('is not applied over rules that someone else has applied meanwhile', async () => {
    const page = await startDraft(tagAll('mine'));
    await page.getByRole('button', { name: 'Apply…' }).click();
    await fetch(new URL('/api/routing/rules', world.local.console), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ organizationId, ruleSet: tagAll('theirs') }),
    });
    await page.getByRole('button', { name: 'Apply as version' }).click();
    await page.getByRole('alert').getByText('replaces: expected the active version').waitFor();
    await expectAccessibleAtEachWidth(page);
  });
});
