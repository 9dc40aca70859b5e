import { type Account, openAccount } from '../livechat/connection.ts';
import { userTypeFromId } from '../livechat/conventions.ts';
import { type Clock, systemClock } from '../platform/clock.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import { type Examination, type Finding, found } from './finding.ts';
import { registrationsOf } from './registrations.ts';
import { scopesOf } from './scopes.ts';

export interface AccountSubject {
  /** Whose credentials; without it the default ones. */
  readonly organizationId: string | undefined;
  /** Where LiveChat shall call. */
  readonly webhookUrl: string;
}

const secret = found('secret');
const version = found('API version');

function ofSecret({ stored: { name, current } }: Account): Finding[] {
  const fill = `Fill it in: aws secretsmanager put-secret-value --secret-id ${name} (locally, set it before npm start).`;
  const findings: Finding[] = [];
  const { LIVECHAT_CLIENT_ID: clientId, LIVECHAT_AGENT_ID: agentId } = current;
  if (!clientId) findings.push(secret.fault(`${name} lacks LIVECHAT_CLIENT_ID: no webhook can be registered`, fill));
  if (!agentId) findings.push(secret.fault(`${name} lacks LIVECHAT_AGENT_ID: nobody is there to send as`, fill));
  else if (!['agent', 'bot'].includes(userTypeFromId(agentId))) {
    findings.push(secret.fault(`${name}: LIVECHAT_AGENT_ID is neither an agent's e-mail address nor a bot's id`, fill));
  }
  return findings.length > 0 ? findings : [secret.ok(name)];
}

function ofVersion({ notices }: Account, name: string): Finding[] {
  const mend = 'Set LIVECHAT_API_VERSION to a newer one, deploy, then `livechat webhooks sync`.';
  const kinds = new Map(notices.map(({ kind, date }) => [kind, date]));
  const [deprecated, legacy] = [kinds.get('deprecation'), kinds.get('legacy')];
  if (deprecated) return [version.fault(`LiveChat has deprecated ${name} (${deprecated})`, mend)];
  return legacy ? [version.warning(`LiveChat calls ${name} legacy (${legacy})`, mend)] : [version.ok(name)];
}

async function examine({ organizationId, webhookUrl }: AccountSubject, clock: Clock): Promise<Finding[]> {
  try {
    const opened = await openAccount(organizationId, clock);
    const { major, minor } = opened.version;
    const scopes = await scopesOf(opened);
    const versionIsTold = scopes.some(({ about }) => about === 'API version');
    return [
      ...ofSecret(opened),
      ...scopes,
      ...(versionIsTold ? [] : ofVersion(opened, `v${major}.${minor}`)),
      ...(await registrationsOf(opened, webhookUrl)),
    ];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return [secret.fault(error.message, 'Fill it in: aws secretsmanager put-secret-value.')];
  }
}

/** An organization's credentials: the secret, what LiveChat lets them do, the API's version, and the registrations. */
export function account(subject: AccountSubject, clock: Clock = systemClock): Examination {
  const { organizationId } = subject;
  return {
    about: 'credentials',
    async run() {
      const findings = await examine(subject, clock);
      if (organizationId === undefined) return findings;
      return findings.map((finding) => ({ ...finding, says: `${finding.says} (of ${organizationId})` }));
    },
  };
}
