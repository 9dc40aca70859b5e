import type { DeliveryStore } from './delivery.ts';
import { RequestConflict } from './errors.ts';
import { MessageGroup, type MessageGroupPorts } from './message-group.ts';
import { type ExecutionInput, executionName, type SendRequest } from './request.ts';

export interface AcceptPorts extends MessageGroupPorts {
  readonly deliveries: DeliveryStore;
}

/** The oldest accepted `sentAt`, relative to receipt. */
const maxSentAtAgeMs = 5_000;

/** The order of a request: the sender's own time if it is recent, else the receipt. ms since 1970. */
export function acceptanceOrder(sentAt: number | undefined, now: number): number {
  return sentAt !== undefined && sentAt >= now - maxSentAtAgeMs ? Math.min(sentAt, now) : now;
}

/**
 * Accepts a send request: stores its deliveries, adds it to its message group, and starts its execution. Idempotent: a
 * duplicate keeps the order of the first acceptance, and a retry after a crash completes what is missing. Returns the name
 * of the execution.
 *
 * @throws RequestConflict
 */
export async function acceptRequest<Content>(request: SendRequest<Content>, ports: AcceptPorts): Promise<string> {
  const orderKey = await storeDeliveries(request, ports);
  const { sentAt: _, hash: __, parts, ...header } = request;
  const input: ExecutionInput = {
    version: 1,
    ...header,
    deliveries: parts.map(({ id, hasFile }) => ({ id, ...(hasFile && { hasFile }) })),
    orderKey,
    expiresAt: header.requestedAt + header.expiresInMs,
    redrive: 0,
  };
  return startInGroup(input, ports);
}

/** Stores the deliveries that do not exist. Returns the order key, which the first delivery keeps. */
async function storeDeliveries<Content>(
  { sentAt, hash, parts, requestId, requestedAt, organizationId, conversationId }: SendRequest<Content>,
  { deliveries, clock }: AcceptPorts,
): Promise<number> {
  const acceptedAt = clock.now();
  let orderKey = acceptanceOrder(sentAt, acceptedAt);
  const common = { organizationId, conversationId, requestId, hash, requestedAt, acceptedAt };
  const create = async ({ id, content }: SendRequest<Content>['parts'][number]) => {
    const existing = await deliveries.create({ ...common, id, orderKey, content: JSON.stringify(content) });
    if (existing && existing.hash !== hash) throw new RequestConflict(requestId);
    return existing;
  };
  const [first, ...others] = parts;
  const existing = first && (await create(first));
  if (existing) orderKey = existing.orderKey;
  await Promise.all(others.map(create));
  return orderKey;
}

/** Adds a request to its message group and starts its execution. */
async function startInGroup(input: ExecutionInput, ports: AcceptPorts): Promise<string> {
  const name = executionName(input);
  const group = new MessageGroup(input, ports);
  await group.enter();
  const isStarted = await ports.executions.start(name, JSON.stringify({ request: input }));
  if (isStarted) return name;
  // A duplicate: if the execution has ended, nothing would remove the entry.
  if ((await ports.executions.status(name)) === 'ended') {
    await group.abandon({ wasStopped: true });
    await rejectIfNeverAttempted(input, ports);
  }
  // A second redrive of the same dead letter has another order than the first, so its entry would block the group.
  else if (input.redrive > 0) await group.withdraw();
  return name;
}

/**
 * Rejects a reused requestId whose deliveries have expired. Step Functions reserves the name of an execution for 90 days, so no
 * new execution can start.
 *
 * @throws RequestConflict
 */
async function rejectIfNeverAttempted(
  { organizationId, conversationId, requestId, deliveries, redrive }: ExecutionInput,
  ports: AcceptPorts,
): Promise<void> {
  const [first] = deliveries;
  if (redrive > 0 || !first) return;
  const delivery = await ports.deliveries.read({ organizationId, conversationId, id: first.id });
  if (delivery?.status === 'queued' && delivery.firstAttemptAt === undefined) throw new RequestConflict(requestId);
}

/** Starts the next execution of a request whose last one failed, with a new order. Idempotent by the number of the redrive. */
export async function redriveRequest(last: ExecutionInput, ports: AcceptPorts): Promise<string> {
  const now = ports.clock.now();
  return startInGroup(
    { ...last, orderKey: now, redrive: last.redrive + 1, redrivenAt: now, expiresAt: now + last.expiresInMs },
    ports,
  );
}
