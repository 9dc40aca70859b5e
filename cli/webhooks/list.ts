import { flawsOf, planOf, sameAddress } from '../../core/livechat/registration-plan.ts';
import { look, wishOf } from '../../core/livechat/registration-sync.ts';
import type { StageOutputs } from '../../core/platform/configuration.ts';
import { colours, print, printJson, printTable } from '../output.ts';
import { openTarget } from './target.ts';
import { wordsOf } from './words.ts';

interface Given {
  readonly organization?: string | undefined;
  readonly url?: string | undefined;
  readonly json: boolean;
}

/** Shows what is registered. */
export const list = async (given: Given, bridge: StageOutputs): Promise<void> => {
  const { account, url } = await openTarget(given, bridge);
  const [seen, wish] = await Promise.all([look(account), wishOf(account, url)]);
  const registrations = seen.registrations.map((one) => {
    const ours = sameAddress(one.url, url);
    const supported = wish.actions.includes(one.action ?? '');
    const wrong = supported ? wordsOf(flawsOf(one, wish.mark)) : 'the bridge does not understand it';
    return { id: one.id, action: one.action, url: one.url, type: one.type, ours, wrong: ours ? wrong : '' };
  });
  const missing = planOf(seen, wish)
    .create.filter(({ flaws }) => flaws.length === 0)
    .map(({ action }) => action);
  if (given.json) {
    printJson({ ok: true, url, enabled: seen.enabled, registrations, missing });
    return;
  }
  printTable(
    ['action', 'to', 'type', 'id', ''],
    registrations.map(({ id, action, url: to, type, ours, wrong }) => [
      action ?? '',
      to ?? '',
      type ?? '',
      id,
      ours ? colours.yellow(wrong) : colours.dim('another address'),
    ]),
  );
  if (missing.length > 0) print(colours.yellow(`Not registered: ${missing.join(', ')}. \`webhooks sync\` does it.`));
  if (!seen.enabled) print(colours.red("The license's webhooks are switched off. `webhooks sync` switches them on."));
};
