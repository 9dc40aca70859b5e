import type { Account } from '../livechat/connection.ts';
import { LiveChatApiError } from '../livechat/errors.ts';
import { type Plan, planOf } from '../livechat/registration-plan.ts';
import { clientIdOf, look, wishOf } from '../livechat/registration-sync.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import { type Finding, found } from './finding.ts';

const { ok, warning, fault } = found('registrations');
const sync = 'livechat webhooks sync';

function ofPlan({ kept, first, create, remove, full, enable }: Plan): Finding[] {
  const missing = create.filter(({ flaws }) => flaws.length === 0).map(({ action }) => action);
  const flawed = create.filter(({ flaws }) => flaws.length > 0);
  const secrets = flawed.filter(({ flaws }) => flaws.includes('secret')).map(({ action }) => action);
  const others = flawed
    .filter(({ flaws }) => !flaws.includes('secret'))
    .map(({ action, flaws }) => `${action} (${flaws.join(', ')})`);
  const surplus = [...first, ...remove].filter(({ reason }) => reason !== 'replaced');
  const findings = [
    ...(enable ? [fault("the license's webhooks are switched off: none is sent", sync)] : []),
    ...(missing.length > 0 ? [fault(`not registered: ${missing.join(', ')}`, sync)] : []),
    ...(secrets.length > 0
      ? [
          fault(
            `registered with another secret: ${secrets.join(', ')}`,
            `${sync} (--rotate-secret, where a rotation was broken off)`,
          ),
        ]
      : []),
    ...(others.length > 0 ? [fault(`registered wrongly: ${others.join(', ')}`, sync)] : []),
    ...full.map(({ action }) =>
      fault(
        `${action} cannot be registered: three of other addresses are there`,
        'livechat webhooks list, then webhooks remove --url',
      ),
    ),
    ...(surplus.length > 0
      ? [warning(`more than is needed: ${surplus.map(({ action }) => action).join(', ')}`, sync)]
      : []),
  ];
  return findings.length > 0 ? findings : [ok(`${kept.length} webhooks`)];
}

/** Whether LiveChat's registrations are what they ought to be. */
export async function registrationsOf(account: Account, webhookUrl: string): Promise<Finding[]> {
  try {
    clientIdOf(account);
    return ofPlan(planOf(await look(account), await wishOf(account, webhookUrl)));
  } catch (error) {
    // Said above already.
    if (error instanceof ConfigurationError || error instanceof LiveChatApiError) return [];
    throw error;
  }
}
