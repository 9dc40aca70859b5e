import * as z from 'zod/mini';
import type { ChannelDoctor } from '../channel/finding.ts';
import { type Finding, fault, note, ok, problemsOr, warning } from '../channel/finding.ts';
import { readTimeline } from '../conversations/conversations.ts';
import { type ConversationEvent, statuses } from '../conversations/projection.ts';
import { listConversations } from '../conversations/queries.ts';
import { readLatestChanges } from '../messages/queries.ts';
import { systemClock } from '../platform/clock.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import { isLoopbackHost } from '../platform/loopback.ts';
import { parseVersion } from './api.ts';
import type { LiveChatClient } from './client.ts';
import { type Account, apiVersion, credentialOwners, openAccount } from './connection.ts';
import { userTypeFromId } from './conventions.ts';
import { LiveChatApiError } from './errors.ts';
import { planChanges, type RegistrationPlan, supportedActions } from './registration-plan.ts';
import { desiredRegistrations, readRegistrations, requireClientId } from './registration-sync.ts';
import type { Action } from './schemas.ts';

/** The checks of `livechat doctor` that are specific to LiveChat. */
export function liveChatDoctor(environment = process.env): ChannelDoctor {
  const { LIVECHAT_API_BASE_URL: apiUrl = '' } = environment;
  // The simulator is the only LiveChat API with a loopback address.
  const simulatorUrl = isLoopbackHost(URL.parse(apiUrl)?.host) ? apiUrl : undefined;
  return {
    settings: [() => parseVersion(apiVersion(environment)), () => requireAddress(apiUrl)],
    listAccounts: credentialOwners,
    checkAccount: (owner, webhookUrl) => checkAccount(owner, webhookUrl, simulatorUrl),
    checkLatestWebhooks: (organizationIds) => checkLatestWebhooks(organizationIds, simulatorUrl !== undefined),
  };
}

function requireAddress(url: string): void {
  if (!url || ['https:', 'http:'].includes(URL.parse(url)?.protocol ?? '')) return;
  throw new ConfigurationError('LIVECHAT_API_BASE_URL', 'an address such as https://api.livechatinc.com');
}

/**
 * Checks an organization's credentials: the secret, the token's scopes, the API version and the registered webhooks.
 *
 * @param organizationId undefined for the default credentials
 * @param webhookUrl the address that should be registered at LiveChat
 * @param simulatorUrl the address of the local simulator; undefined for LiveChat itself
 */
async function checkAccount(
  organizationId: string | undefined,
  webhookUrl: string,
  simulatorUrl: string | undefined,
): Promise<readonly Finding[]> {
  const found = await openAccount(organizationId, systemClock).then(
    (account) => checkParts(account, webhookUrl, simulatorUrl),
    secretFault,
  );
  if (organizationId === undefined) return found;
  return found.map((one) => ({ ...one, message: `${one.message} (organization ${organizationId})` }));
}

async function checkParts(account: Account, webhookUrl: string, simulatorUrl: string | undefined): Promise<Finding[]> {
  const scopes = await checkScopes(account);
  const isVersionChecked = scopes.some(({ check }) => check === 'API version');
  return [
    ...named('secret', checkSecret(account)),
    ...scopes,
    ...named('API version', isVersionChecked ? [] : [checkVersion(account)]),
    ...named('registrations', await checkRegistrations(account, webhookUrl, simulatorUrl)),
  ];
}

function secretFault(error: unknown): Finding[] {
  if (!(error instanceof ConfigurationError)) throw error;
  return named('secret', [fault(error.message, 'Correct the secret: aws secretsmanager put-secret-value.')]);
}

const named = (check: string, findings: readonly Finding[]): Finding[] => findings.map((one) => ({ ...one, check }));

function checkSecret({ stored: { name, current } }: Account): readonly Finding[] {
  const fix = `Add it: aws secretsmanager put-secret-value --secret-id ${name} (locally, set it before npm start).`;
  const { LIVECHAT_CLIENT_ID: clientId, LIVECHAT_AGENT_ID: agentId } = current;
  const faults: Finding[] = [];
  if (!clientId) faults.push(fault(`${name} lacks LIVECHAT_CLIENT_ID: webhooks cannot be registered.`, fix));
  if (!agentId) faults.push(fault(`${name} lacks LIVECHAT_AGENT_ID: messages have no sender.`, fix));
  else if (!['agent', 'bot'].includes(userTypeFromId(agentId))) {
    faults.push(fault(`${name}: LIVECHAT_AGENT_ID must be an agent's e-mail address or a bot's id.`, fix));
  }
  if (name.endsWith('/default') && !current.LIVECHAT_ORGANIZATION_ID) {
    const message = `${name} lacks LIVECHAT_ORGANIZATION_ID: a send request with a wrong organizationId is sent with its token.`;
    faults.push(warning(message, fix));
  }
  return problemsOr(faults, `${name} is complete.`);
}

function checkVersion({ notices, version }: Account): Finding {
  const fix = 'Set LIVECHAT_API_VERSION to a later version, deploy, then run `livechat webhooks sync`.';
  const dates = new Map(notices.map(({ kind, date }) => [kind, date]));
  const [deprecated, legacy] = [dates.get('deprecation'), dates.get('legacy')];
  if (deprecated) return fault(`LiveChat has deprecated ${version} (${deprecated}).`, fix);
  return legacy
    ? warning(`LiveChat marks ${version} as legacy (${legacy}).`, fix)
    : ok(`LiveChat supports ${version}.`);
}

/** A call that needs one scope and changes nothing. */
interface ScopeCheck {
  readonly scope: string;
  readonly purpose: string;
  call(client: LiveChatClient, clientId: string): Promise<unknown>;
}

/** No chat has this id, so LiveChat rejects the call. The error shows whether the scope is sufficient. */
const missingChat = 'livechat-bridge-doctor';

const scopeChecks: readonly ScopeCheck[] = [
  {
    scope: 'webhooks.configuration:rw',
    purpose: 'to register webhooks',
    call: (client, owner_client_id) => client.listWebhooks({ owner_client_id }),
  },
  {
    scope: 'webhooks.state:rw',
    purpose: "to enable the license's webhooks",
    call: (client, owner_client_id) => client.getLicenseWebhooksState({ owner_client_id }),
  },
  {
    scope: 'chats--all:ro',
    purpose: 'to find out whether a message was delivered',
    call: (client) => client.listChats({ limit: 1 }),
  },
  {
    scope: 'chats--all:rw',
    purpose: 'to send messages',
    call: (client) =>
      client.sendEvent({ chat_id: missingChat, event: { type: 'message', text: 'none', visibility: 'agents' } }),
  },
];

/** Errors about the request's object, which LiveChat reports only to callers with the scope. */
const sufficientScope: ReadonlySet<string | undefined> = new Set(['not_found', 'validation']);

async function checkScopes(account: Account): Promise<readonly Finding[]> {
  const { name, current } = account.stored;
  const results = await Promise.all(
    scopeChecks.map((one) =>
      account
        .call((client) => one.call(client, current.LIVECHAT_CLIENT_ID ?? ''))
        .then(
          () => [],
          (error: unknown) => scopeFaults(error, one, name),
        ),
    ),
  );
  const faults = new Map(results.flat().map((one) => [one.message, one]));
  return problemsOr([...faults.values()], 'LiveChat accepts the credentials, and they have every scope.');
}

function scopeFaults(error: unknown, { scope, purpose }: ScopeCheck, secretName: string): readonly Finding[] {
  if (error instanceof ConfigurationError) return [fault(error.message, `Add it to ${secretName}.`)];
  if (!(error instanceof LiveChatApiError)) throw error;
  const { category, type, status } = error;
  if (category === 'Repairable' || sufficientScope.has(type)) return [];
  if (category === 'Authentication') {
    const lacksScope = type === 'authorization' || (type === undefined && status === 403);
    const newToken = `Create a new token at LiveChat and store it in the secret ${secretName}.`;
    return lacksScope
      ? [fault(`The token lacks the scope ${scope}, required ${purpose}.`, `Add ${scope} at LiveChat.`)]
      : [fault('LiveChat rejects the credentials.', newToken)];
  }
  if (type === 'unsupported_version') {
    const fix = 'Set LIVECHAT_API_VERSION to a supported one, such as v3.6.';
    return named('API version', [fault('LiveChat does not support this version.', fix)]);
  }
  return [fault(error.message, 'Correct the problem in the message, or try again later.')];
}

const sync = 'Run `livechat webhooks sync`.';

async function checkRegistrations(
  account: Account,
  webhookUrl: string,
  simulatorUrl: string | undefined,
): Promise<readonly Finding[]> {
  try {
    requireClientId(account);
    const current = await readRegistrations(account);
    if (simulatorUrl && current.enabled && current.registrations.length === 0) {
      return [await checkSimulatorDelivery(simulatorUrl)];
    }
    return registrationFindings(planChanges(current, await desiredRegistrations(account, webhookUrl)));
  } catch (error) {
    // The checks of the secret and the scopes report these.
    if (error instanceof ConfigurationError || error instanceof LiveChatApiError) return [];
    throw error;
  }
}

const simulatorCalls = z.object({ methods: z.record(z.string(), z.object({ accepted: z.number() })) });

/**
 * Checks the registrations at the simulator. The simulator delivers every webhook until the first registration. It delivers
 * none after the last registration is removed.
 */
async function checkSimulatorDelivery(simulatorUrl: string): Promise<Finding> {
  const response = await fetch(new URL('/simulator/calls', simulatorUrl).href, { signal: AbortSignal.timeout(5_000) });
  const { methods } = simulatorCalls.parse(await response.json());
  return methods.register_webhook?.accepted
    ? warning('All registrations are removed: the simulator delivers no webhooks.', sync)
    : note('None are registered; the simulator delivers every webhook until the first registration.');
}

function registrationFindings({ keep, create, remove, blocked, enable }: RegistrationPlan) {
  const missing = create.filter(({ mismatches }) => mismatches.length === 0);
  const otherSecret = create.filter(({ mismatches }) => mismatches.includes('secret'));
  const incorrect = create.filter(({ mismatches }) => mismatches.length > 0 && !mismatches.includes('secret'));
  const surplus = remove.filter(({ reason }) => reason !== 'replaced');
  const actions = (list: readonly { readonly action: string }[]) => list.map(({ action }) => action).join(', ');
  const rotate = 'Run `livechat webhooks sync` (with --rotate-secret if a rotation was interrupted).';
  const removeOthers = 'Run `livechat webhooks list`, then `livechat webhooks remove --url`.';
  const problems: Finding[] = [];
  if (enable) problems.push(fault("The license's webhooks are disabled: LiveChat sends none.", sync));
  if (missing.length > 0) problems.push(fault(`These webhooks are not registered: ${actions(missing)}.`, sync));
  if (otherSecret.length > 0) {
    problems.push(fault(`These webhooks are registered with another secret: ${actions(otherSecret)}.`, rotate));
  }
  if (incorrect.length > 0) {
    const names = incorrect.map(({ action, mismatches }) => `${action} (${mismatches.join(', ')})`).join(', ');
    problems.push(fault(`These webhooks are registered incorrectly: ${names}.`, sync));
  }
  for (const { action } of blocked) {
    const message = `${action} cannot be registered: LiveChat allows three registrations per action, and all three belong to other URLs.`;
    problems.push(fault(message, removeOthers));
  }
  if (surplus.length > 0)
    problems.push(warning(`These webhooks have surplus registrations: ${actions(surplus)}.`, sync));
  return problemsOr(problems, `All ${keep.length} webhooks are registered.`);
}

/** How many conversations of each organization are read. */
const maxConversations = 20;

/** The webhook that a stored event came from. Undefined for an event that reconciliation published. */
function webhookAction(event: ConversationEvent): Action | undefined {
  if (event.metadata.recovered) return undefined;
  switch (event.type) {
    case 'chat.started':
      return 'incoming_chat';
    case 'chat.observed':
      return undefined;
    case 'chat.deactivated':
      return 'chat_deactivated';
    case 'chat.transferred':
      return 'chat_transferred';
    case 'chat.updated':
      if (event.data.tag !== undefined) return 'thread_tagged';
      return event.data.untag === undefined ? 'chat_access_updated' : 'thread_untagged';
    case 'agent.changed':
      return event.data.change === 'joined' ? 'user_added_to_chat' : 'user_removed_from_chat';
    case 'participant.changed':
      if (event.data.change === 'fields') return 'customer_session_fields_updated';
      return event.data.change === 'joined' ? 'user_added_to_chat' : 'user_removed_from_chat';
    case 'idle':
      return 'incoming_event';
  }
}

/**
 * Reads when each webhook last changed the stored data of the latest conversations. Duplicates change nothing, so they do not
 * count.
 */
async function readLatestWebhooks(organizationIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const times = new Map<string, string>();
  const keepLatest = (action: Action | undefined, time: string | undefined) => {
    if (action !== undefined && time !== undefined && time > (times.get(action) ?? '')) times.set(action, time);
  };
  for (const organizationId of organizationIds) {
    const latest = await listConversations(organizationId, statuses, maxConversations);
    await Promise.all(
      latest.map(async ({ id: conversationId }) => {
        const key = { organizationId, conversationId };
        const [{ events, readMarks }, messages] = await Promise.all([readTimeline(key), readLatestChanges(key)]);
        for (const event of events) keepLatest(webhookAction(event), event.metadata.receivedAt);
        for (const { receivedAt } of readMarks) keepLatest('events_marked_as_seen', receivedAt);
        keepLatest('incoming_event', messages.received);
        keepLatest('event_updated', messages.edited);
        keepLatest('event_deleted', messages.deleted);
        keepLatest('incoming_rich_message_postback', messages.clicked);
      }),
    );
  }
  return times;
}

/** Reports when each webhook last arrived. It cannot tell whether a webhook is overdue. */
async function checkLatestWebhooks(organizationIds: readonly string[], isSimulator: boolean): Promise<Finding[]> {
  const times = await readLatestWebhooks(organizationIds);
  if (times.size > 0) {
    // The actions of the latest API version. Earlier versions lack a few.
    return supportedActions('v3.6').map((action) =>
      note(`${action.padEnd(32)} ${times.get(action)?.slice(0, 19) ?? 'none in the latest conversations'}`),
    );
  }
  return isSimulator
    ? [note('None has arrived yet. Start a chat with `livechat simulate chat`.')]
    : [warning('None has arrived yet.', 'Start a chat, then run this again; see the metric WebhookErrorResponses.')];
}
