/** The default carrier of events and send requests. Its organization ids have no prefix. */
export const defaultCarrier = 'livechat';

const separator = ':';

/**
 * The id by which the bridge knows an organization of a carrier. Every key and every derived id contains it, so it is unique
 * among carriers: `<carrier>:<the carrier's own id>`. LiveChat's own id has no prefix.
 */
export function organizationIdFor(carrier: string, ownId: string): string {
  return carrier === defaultCarrier ? ownId : `${carrier}${separator}${ownId}`;
}

/** The carrier of an organization. */
export function carrierOf(organizationId: string): string {
  const end = organizationId.indexOf(separator);
  return end < 0 ? defaultCarrier : organizationId.slice(0, end);
}
