import * as z from 'zod/mini';
import { translate } from '../../core/livechat/translate.ts';
import { factsOf, isToBeRouted, type RoutingFacts } from '../../core/routing/facts.ts';
import { CliError, UsageError } from '../errors.ts';
import { readRecorded } from '../recorded.ts';

/** Chats that recorded webhooks tell of, and whose they are, where the bodies say so. */
export interface Recorded {
  readonly organizationId: string | undefined;
  readonly chats: readonly Told[];
}

/** A chat that a webhook's body tells of, as rules see it. */
export interface Told {
  readonly conversationId: string;
  readonly threadId: string;
  readonly startedAt: string;
  readonly facts: RoutingFacts;
}

const body = z.looseObject({
  action: z.literal('incoming_chat'),
  organization_id: z.optional(z.string()),
  payload: z.unknown(),
});

/**
 * The chats of recorded `incoming_chat` bodies; other bodies, and threads that no customer has begun, are passed over.
 * @throws CliError where nothing is left, or a body does not fit
 */
export const readPayloads = async (paths: readonly string[]): Promise<Recorded> => {
  const chats: Told[] = [];
  const organizations = new Set<string | undefined>();
  for (const { file, body: recorded } of await readRecorded(paths)) {
    const parsed = body.safeParse(recorded);
    if (!parsed.success) continue;
    const { action, payload, organization_id } = parsed.data;
    organizations.add(organization_id?.toLowerCase());
    const webhook = { organizationId: 'recorded', action, payload, receivedAt: new Date().toISOString() };
    for (const event of translate(webhook, {})) {
      if (event.type === 'webhook.rejected') {
        const issues = event.data.issues.map(({ path, message }) => `${path}: ${message}`);
        throw new CliError(`${file} is no body of incoming_chat: ${issues.join('; ')}`);
      }
      if (event.type !== 'chat.started' || !isToBeRouted(event.data)) continue;
      const { conversationId, threadId, createdAt: startedAt } = event.data;
      chats.push({ conversationId, threadId, startedAt, facts: factsOf(event.data) });
    }
  }
  const [organizationId, another] = organizations;
  if (another !== undefined) throw new UsageError('The bodies are of several organizations: give those of one.');
  if (chats.length > 0) return { organizationId, chats };
  throw new CliError(`No customer begins a chat in ${paths.join(', ')}: bodies of incoming_chat are expected.`);
};
