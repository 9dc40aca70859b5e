interface Times {
  readonly receivedAt?: string | undefined;
  readonly storedAt?: string | undefined;
}

/** How long after its webhook was received a message was stored, in ms; undefined for one that was stored without these times. */
export function storedAfter({ receivedAt, storedAt }: Times): number | undefined {
  if (receivedAt === undefined || storedAt === undefined) return undefined;
  const ms = Date.parse(storedAt) - Date.parse(receivedAt);
  return ms >= 0 ? ms : undefined;
}
