import { isSameUrl } from '../../core/livechat/registration-plan.ts';
import { readRegistrations, unregisterWebhook } from '../../core/livechat/registration-sync.ts';
import type { StageOutputs } from '../../core/platform/configuration.ts';
import { confirm } from '../confirm.ts';
import { print, printJson, printTable } from '../output.ts';
import { withProgress } from '../progress.ts';
import { openTarget } from './target.ts';

interface Given {
  readonly organization?: string | undefined;
  readonly url?: string | undefined;
  readonly action?: readonly string[] | undefined;
  readonly yes: boolean;
  readonly json: boolean;
}

/** Takes an address's registrations away. */
export const remove = async (given: Given, bridge: StageOutputs): Promise<void> => {
  const { account, url } = await openTarget(given, bridge);
  const { registrations } = await readRegistrations(account);
  const removed = registrations
    .filter((one) => isSameUrl(one.url, url) && (given.action?.includes(one.action ?? '') ?? true))
    .map(({ id, action }) => ({ id, action: action ?? '' }));
  if (!given.json && removed.length > 0) {
    print(`No longer sent to ${url}:`);
    printTable(
      ['action', 'id'],
      removed.map(({ id, action }) => [action, id]),
    );
  }
  if (removed.length > 0) {
    await confirm(
      `Remove ${removed.length === 1 ? 'this registration' : `these ${removed.length} registrations`}?`,
      given,
    );
    await withProgress('Removing', removed.length, async ({ step }) => {
      for (const { id } of removed) {
        await unregisterWebhook(account, id);
        step();
      }
    });
  }
  if (given.json) printJson({ ok: true, url, removed });
  else print(removed.length === 0 ? `Nothing is registered for ${url}.` : 'Removed.');
};
