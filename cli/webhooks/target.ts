import { type Account, openAccount } from '../../core/livechat/connection.ts';
import { systemClock } from '../../core/platform/clock.ts';
import type { StageOutputs } from '../../core/platform/configuration.ts';
import { UsageError } from '../errors.ts';

interface Given {
  readonly organization?: string | undefined;
  readonly url?: string | undefined;
}

export interface Target {
  readonly account: Account;
  readonly url: string;
}

const isLocal = (url: string): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname);

/** @throws UsageError where LiveChat itself would have to call this machine */
export const openTarget = async ({ organization, url }: Given, { webhookUrl }: StageOutputs): Promise<Target> => {
  const account = await openAccount(organization, systemClock);
  const chosen = url ?? webhookUrl;
  if (isLocal(chosen) && !isLocal(account.baseUrl)) {
    throw new UsageError(
      `LiveChat cannot call ${chosen}, which is on this machine: give --url an address that leads here, such as a tunnel's.`,
    );
  }
  return { account, url: chosen };
};
