import { channels } from '../channels.ts';
import { carrierOf } from './carrier.ts';

/** An optional capability of a channel, in addition to receiving and sending. */
export type Capability = 'routing' | 'reconciliation' | 'files';

export interface ChannelSpec {
  /** The display name. */
  readonly name: string;
  /** The function that receives its webhooks, and the path of the route. */
  readonly webhook: { readonly function: string; readonly handler: string; readonly path: string };
  readonly supports: readonly Capability[];
  /**
   * The pattern of its own organization ids in an IAM policy, where `?` matches one character. The names of secrets and files
   * contain these ids.
   */
  readonly organizationIds: string;
  /** Whether its organization ids are not case-sensitive. They are then stored in lower case. */
  readonly hasCaseInsensitiveIds?: boolean;
  /** The default of the setting `<CARRIER>_CALLS_PER_SECOND`. */
  readonly callsPerSecond: number;
  /** Other settings of its functions. */
  readonly settings: readonly string[];
}

const specs: Readonly<Record<string, ChannelSpec>> = channels;

/** Returns the display name of an organization's channel. */
export function channelName(organizationId: string): string {
  const carrier = carrierOf(organizationId);
  return specs[carrier]?.name ?? carrier;
}

/** Returns an organization id as it is stored. */
export function normalizeOrganizationId(organizationId: string): string {
  return specs[carrierOf(organizationId)]?.hasCaseInsensitiveIds ? organizationId.toLowerCase() : organizationId;
}

/** Returns the name and the default of a carrier's setting for calls per second. */
export function callsPerSecondSetting(carrier: string): { readonly name: string; readonly fallback: number } {
  return { name: `${carrier.toUpperCase()}_CALLS_PER_SECOND`, fallback: specs[carrier]?.callsPerSecond ?? 1 };
}

/** Returns the carriers whose channels have a capability. */
export function carriersWith(capability: Capability): readonly string[] {
  return Object.entries(specs).flatMap(([carrier, { supports }]) => (supports.includes(capability) ? [carrier] : []));
}
