import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../fixtures.ts';
import { organizationId, post } from '../local.ts';
import { outbound } from '../outbound.ts';
import { expectAccessible, screens, useConsole } from './page.ts';

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
describe.each(screens)('on a screen $width pixels wide, $scheme', options, ({ width, scheme }) => {
  const open = async (path: string) => {
    const opened = await world.open(width, scheme);
    await opened.page.goto(`${world.local.console}#/${path}`);
    await opened.page.getByRole('heading', { level: 1 }).waitFor();
    return opened;
  };

  it('confirms a pause, and shows the waiting sends', async () => {
    const { send, text } = outbound(world.local);
    const { page, browserErrors } = await open('rate-limits');
    const card = page.getByRole('region', { name: 'Rate limit of Acme' });
    await card.getByText('breaker closed', { exact: true }).waitFor();
    await card.getByRole('button', { name: 'Pause…' }).click();
    const question = card.getByRole('form', { name: 'Pause' });
    await question.getByText('Sending and routing of Acme stop').waitFor();
    await card.getByText(/waits? to be sent/).waitFor();
    await expectAccessible(page);
    await question.getByRole('button', { name: 'Cancel' }).click();
    await card.getByText('breaker closed', { exact: true }).waitFor();

    await card.getByRole('button', { name: 'Pause…' }).click();
    await question.getByRole('button', { name: 'Pause now' }).click();
    await card.getByText('paused', { exact: true }).waitFor();
    await send(chatId, text(`Waits on ${width}, ${scheme}`));
    await card.getByRole('listitem').getByText(`Waits on ${width}, ${scheme}`).waitFor();
    await card.getByRole('link', { name: 'Noor Haddad' }).first().waitFor();
    await expectAccessible(page);
    await card.getByRole('button', { name: 'Resume' }).click();
    await card.getByText('breaker closed', { exact: true }).waitFor();
    expect(browserErrors).toEqual([]);
  });

  it('shows the rate limit of the chosen organization', async () => {
    const { page } = await open('rate-limits');
    const cards = page.getByRole('region', { name: 'Rate limit of' });
    await expect.poll(() => cards.count()).toBe(2);
    await page.getByLabel('Organization').selectOption({ label: `Acme (${organizationId})` });
    await expect.poll(() => cards.count()).toBe(1);
    await page.getByLabel('Organization').selectOption(otherOrganization);
    await page.getByRole('region', { name: `Rate limit of ${otherOrganization}` }).waitFor();
  });

  it('shows the changes of a draft of rules, and applies the draft after a confirmation', async () => {
    const tag = `${scheme}-${width}`;
    const { page, browserErrors } = await open(`routing?organizationId=${organizationId}`);
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
    expect(await page.getByRole('button', { name: 'Apply…' }).count()).toBe(0);
    expect(browserErrors).toEqual([]);
  });
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

  it('that is invalid names the field', async () => {
    const page = await startDraft({ match: 'first', rules: [{ name: 'all', do: {} }] });
    await page.getByRole('alert').getByText('ruleSet.rules.0.do').waitFor();
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
  });
});
