import { findMismatches, isSameUrl, planChanges } from '../../core/livechat/registration-plan.ts';
import { desiredRegistrations, readRegistrations } from '../../core/livechat/registration-sync.ts';
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
  const [state, desired] = await Promise.all([readRegistrations(account), desiredRegistrations(account, url)]);
  const registrations = state.registrations.map((one) => {
    const ours = isSameUrl(one.url, url);
    const supported = desired.actions.includes(one.action ?? '');
    const wrong = supported ? wordsOf(findMismatches(one, desired.mark)) : 'the bridge does not understand it';
    return { id: one.id, action: one.action, url: one.url, type: one.type, ours, wrong: ours ? wrong : '' };
  });
  const missing = planChanges(state, desired)
    .create.filter(({ mismatches }) => mismatches.length === 0)
    .map(({ action }) => action);
  if (given.json) {
    printJson({ ok: true, url, enabled: state.enabled, registrations, missing });
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
  if (!state.enabled) print(colours.red("The license's webhooks are switched off. `webhooks sync` switches them on."));
};
