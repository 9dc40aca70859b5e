import type { Account } from '../account.ts';
import { fingerprintOf } from './mark.ts';
import { type Plan, planOf, type Seen, type Wish } from './plan.ts';
import { gapOf, rotationOf } from './rotation.ts';
import { clientIdOf, newWebhookSecret, wishOf } from './sync.ts';

/** What is to be done at LiveChat, and with which webhook secret. */
export interface Intent {
  readonly plan: Plan;
  readonly wish: Wish;
  readonly secret: string;
  /** Whether the secret is to be stored first. */
  readonly isNew: boolean;
}

/** The secret cannot be rotated without a gap; the message says what to do first. */
export class RotationStopped extends Error {
  override readonly name = 'RotationStopped';
  constructor(reason: string) {
    super(`The secret was not rotated: ${reason}.`);
  }
}

/** To bring the registrations to what is wanted, with the secret that is stored. */
export async function intendSync(account: Account, url: string, seen: Seen): Promise<Intent> {
  const wish = await wishOf(account, url);
  return { plan: planOf(seen, wish), wish, secret: account.stored.current.LIVECHAT_WEBHOOK_SECRET, isNew: false };
}

/** To put a new secret in the place of the old one, or to go on where that was broken off. Throws {@link RotationStopped}. */
export async function intendRotation(account: Account, url: string, seen: Seen): Promise<Intent> {
  const { current, previous } = account.stored;
  const clientId = clientIdOf(account);
  const rotation = rotationOf(seen.registrations, url, {
    current: await fingerprintOf(current.LIVECHAT_WEBHOOK_SECRET, clientId),
    previous: previous && (await fingerprintOf(previous.LIVECHAT_WEBHOOK_SECRET, clientId)),
  });
  if (rotation.next === 'stop') throw new RotationStopped(rotation.reason);
  const intent = await (rotation.next === 'resume' ? intendSync : intendNewSecret)(account, url, seen);
  const gap = gapOf(intent.plan);
  if (gap !== undefined) throw new RotationStopped(gap);
  return intent;
}

async function intendNewSecret(account: Account, url: string, seen: Seen): Promise<Intent> {
  const secret = newWebhookSecret();
  const wish = await wishOf(account, url, { ...account.stored.current, LIVECHAT_WEBHOOK_SECRET: secret });
  return { plan: planOf(seen, wish), wish, secret, isNew: true };
}
