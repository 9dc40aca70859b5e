import type { Account } from '../livechat/connection.ts';
import { LiveChatApiError } from '../livechat/errors.ts';
import { planChanges, type RegistrationPlan } from '../livechat/registration-plan.ts';
import { desiredRegistrations, readRegistrations, requireClientId } from '../livechat/registration-sync.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import { type Finding, found } from './finding.ts';

const { ok, warning, fault } = found('registrations');
const sync = 'livechat webhooks sync';

function ofPlan({ keep, removeFirst, create, remove, blocked, enable }: RegistrationPlan): Finding[] {
  const missing = create.filter(({ mismatches }) => mismatches.length === 0).map(({ action }) => action);
  const flawed = create.filter(({ mismatches }) => mismatches.length > 0);
  const secrets = flawed.filter(({ mismatches }) => mismatches.includes('secret')).map(({ action }) => action);
  const others = flawed
    .filter(({ mismatches }) => !mismatches.includes('secret'))
    .map(({ action, mismatches }) => `${action} (${mismatches.join(', ')})`);
  const surplus = [...removeFirst, ...remove].filter(({ reason }) => reason !== 'replaced');
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
    ...blocked.map(({ action }) =>
      fault(
        `${action} cannot be registered: three of other addresses are there`,
        'livechat webhooks list, then webhooks remove --url',
      ),
    ),
    ...(surplus.length > 0
      ? [warning(`more than is needed: ${surplus.map(({ action }) => action).join(', ')}`, sync)]
      : []),
  ];
  return findings.length > 0 ? findings : [ok(`${keep.length} webhooks`)];
}

/** Whether LiveChat's registrations are what they ought to be. */
export async function registrationsOf(account: Account, webhookUrl: string): Promise<Finding[]> {
  try {
    requireClientId(account);
    return ofPlan(planChanges(await readRegistrations(account), await desiredRegistrations(account, webhookUrl)));
  } catch (error) {
    // Said above already.
    if (error instanceof ConfigurationError || error instanceof LiveChatApiError) return [];
    throw error;
  }
}
