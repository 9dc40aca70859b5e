import { channels } from '../channels.ts';
import { carrierOf } from './carrier.ts';

/** What a channel can do beyond receiving and sending. */
export type Capability = 'routing' | 'reconciliation' | 'files';

export interface ChannelSpec {
  /** The name in texts. */
  readonly name: string;
  /** The function that receives its webhooks, and the path of the route. */
  readonly webhook: { readonly function: string; readonly handler: string; readonly path: string };
  readonly supports: readonly Capability[];
  /** The form of its own organization ids in an IAM policy: `?` matches one character. Secrets and files are named after them. */
  readonly organizationIds: string;
  /** The default of the setting `<CARRIER>_CALLS_PER_SECOND`. */
  readonly callsPerSecond: number;
  /** Further settings of its functions. */
  readonly settings: readonly string[];
}

const specs: Readonly<Record<string, ChannelSpec>> = channels;

/** The name of an organization's channel in texts. */
export function channelName(organizationId: string): string {
  const carrier = carrierOf(organizationId);
  return specs[carrier]?.name ?? carrier;
}

/** The setting with the calls per second of a carrier, and its default. */
export function callsPerSecondSetting(carrier: string): { readonly name: string; readonly fallback: number } {
  return { name: `${carrier.toUpperCase()}_CALLS_PER_SECOND`, fallback: specs[carrier]?.callsPerSecond ?? 1 };
}

/** The carriers whose channels support something. */
export function carriersWith(capability: Capability): readonly string[] {
  return Object.entries(specs).flatMap(([carrier, { supports }]) => (supports.includes(capability) ? [carrier] : []));
}
