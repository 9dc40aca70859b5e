import { randomBytes, randomUUID } from 'node:crypto';
import type { Environment } from './environment.ts';

export interface LocalCredentials {
  /** What the secret holds. */
  readonly secret: {
    readonly LIVECHAT_WEBHOOK_SECRET: string;
    readonly LIVECHAT_API_KEY: string;
    readonly LIVECHAT_ACCOUNT_ID: string;
    readonly LIVECHAT_CLIENT_ID: string;
    readonly LIVECHAT_AGENT_ID: string;
  };
  /** The organization that the simulator plays. */
  readonly organizationId: string;
  /** What was not in the environment and has been made up for this run. */
  readonly generated: Readonly<Record<string, string>>;
}

/** The shortest secret that the webhook accepts. */
const shortestSecret = 8;

/**
 * Credentials from the environment, where an empty variable counts as none, else made up.
 *
 * @throws Error which names the setting that cannot be used, and says what it should be.
 */
export function localCredentials(environment: Environment): LocalCredentials {
  const generated: Record<string, string> = {};
  const setting = (name: string, fallback: string): string => {
    const given = environment[name];
    if (given) return given;
    generated[name] = fallback;
    return fallback;
  };
  const randomHex = (bytes: number) => randomBytes(bytes).toString('hex');
  const secret = {
    LIVECHAT_WEBHOOK_SECRET: setting('LIVECHAT_WEBHOOK_SECRET', `whsec-${randomHex(24)}`),
    LIVECHAT_API_KEY: setting('LIVECHAT_API_KEY', `local-${randomHex(24)}`),
    LIVECHAT_ACCOUNT_ID: setting('LIVECHAT_ACCOUNT_ID', randomUUID()),
    LIVECHAT_CLIENT_ID: setting('LIVECHAT_CLIENT_ID', randomHex(16)),
    LIVECHAT_AGENT_ID: setting('LIVECHAT_AGENT_ID', 'bridge@local.example'),
  };
  const { length } = secret.LIVECHAT_WEBHOOK_SECRET;
  if (length < shortestSecret) {
    throw new Error(`LIVECHAT_WEBHOOK_SECRET must have at least ${shortestSecret} characters; it has ${length}`);
  }
  return { secret, organizationId: setting('LIVECHAT_ORGANIZATION_ID', randomUUID()), generated };
}
