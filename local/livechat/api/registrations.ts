import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { LiveChatError, validationError } from '../errors.ts';
import { httpUrl, nonEmpty, oneOf } from '../objects.ts';
import { defaultTarget, type Receiver, type Target, type WebhookAction, webhookActions } from '../webhooks.ts';
import { method, type Version } from './method.ts';

/** The first minor version of v3 with this action, if later than 3.4. */
const since: Readonly<Partial<Record<WebhookAction, number>>> = {
  auto_accesses_updated: 5,
  tag_created: 5,
  tag_updated: 5,
  tag_deleted: 5,
  event_deleted: 6,
  thread_summary_set: 6,
};

const actionFormat = 'the name of a webhook action';

/** @throws LiveChatError if this API version does not have the action */
const requireAction = (action: WebhookAction, version: Version): void => {
  if (Number(version.slice('v3.'.length)) < (since[action] ?? 0)) {
    throw validationError(`\`action\` must be ${actionFormat}`);
  }
};

const registerRequest = z.object({
  action: z.enum(webhookActions, actionFormat),
  url: httpUrl('a URL').check(z.maxLength(500, 'at most 500 characters')),
  description: z.optional(z.string()),
  secret_key: nonEmpty(),
  owner_client_id: nonEmpty(),
  type: oneOf(['bot', 'license']),
  additional_data: z.optional(z.array(z.enum(['chat_properties', 'chat_presence_user_ids']))),
  filters: z.optional(z.record(z.string(), z.unknown())),
});

type RegisterWebhook = z.infer<typeof registerRequest>;

const maxPerAction = 3;

interface RegistrationOptions {
  readonly now: () => number;
  /** The delay before a change takes effect. */
  readonly delayMs: () => number;
  /** Receives every webhook until the first registration takes effect. */
  readonly defaultReceiver: Receiver;
}

interface Registration {
  readonly request: RegisterWebhook;
  readonly from: number;
  /** Set once it is unregistered. */
  readonly until?: number;
}

export const createRegistrations = ({ now, delayMs, defaultReceiver }: RegistrationOptions) => {
  const registrations = new Map<string, Registration>();
  /** When the first registration takes effect. */
  let firstFrom = Number.POSITIVE_INFINITY;
  let enabled = true;

  const registered = (ownerClientId: string) =>
    [...registrations].filter(
      ([, { request, until }]) => until === undefined && request.owner_client_id === ownerClientId,
    );

  /** @returns the id of the registration. @throws LiveChatError if the application has three for this action */
  const register = (request: RegisterWebhook): string => {
    const same = registered(request.owner_client_id).filter(([, other]) => other.request.action === request.action);
    if (same.length >= maxPerAction) throw new LiveChatError('limit_reached');
    const id = randomUUID().replaceAll('-', '');
    const from = now() + delayMs();
    registrations.set(id, { request, from });
    firstFrom = Math.min(firstFrom, from);
    return id;
  };

  /** @throws LiveChatError if the application has no such registration */
  const unregister = (id: string, ownerClientId: string): void => {
    const [, registration] = registered(ownerClientId).find(([one]) => one === id) ?? [];
    if (registration === undefined) throw new LiveChatError('not_found');
    registrations.set(id, { ...registration, until: now() + delayMs() });
  };

  /** The registrations of an application, without their secrets. */
  const list = (ownerClientId: string) =>
    registered(ownerClientId).map(([id, { request }]) => {
      const { secret_key: _, ...formatted } = request;
      return { id, ...formatted };
    });

  /** The receivers of this action's webhooks. */
  const targets = (action: WebhookAction): Target[] => {
    const at = now();
    if (at < firstFrom) return enabled ? [defaultTarget(action, defaultReceiver)] : [];
    return [...registrations]
      .filter(([, { from, until = Number.POSITIVE_INFINITY }]) => from <= at && at < until)
      .filter(([, { request }]) => request.action === action && (enabled || request.type === 'bot'))
      .map(([webhookId, { request }]) => ({
        webhookId,
        url: request.url,
        secretKey: request.secret_key,
        additionalData: request.additional_data ?? [],
      }));
  };

  return {
    register,
    unregister,
    list,
    isEnabled: () => enabled,
    setEnabled: (to: boolean): void => {
      enabled = to;
    },
    targets,
  };
};

export type Registrations = ReturnType<typeof createRegistrations>;

const configure = ['webhooks.configuration:rw'];
const owner = z.object({ owner_client_id: nonEmpty() });

const setEnabled = (enabled: boolean) =>
  method(['webhooks.state:rw'], owner, (_, { registrations }) => {
    registrations.setEnabled(enabled);
    return {};
  });

/** The webhook methods of the Configuration API. */
export const webhookMethods = {
  register_webhook: method(configure, registerRequest, (request, { registrations }, version) => {
    requireAction(request.action, version);
    return { id: registrations.register(request) };
  }),
  unregister_webhook: method(configure, z.extend(owner, { id: nonEmpty() }), (request, { registrations }) => {
    registrations.unregister(request.id, request.owner_client_id);
    return {};
  }),
  list_webhooks: method(configure, owner, ({ owner_client_id }, { registrations }) =>
    registrations.list(owner_client_id),
  ),
  get_license_webhooks_state: method(['webhooks.state:ro', 'webhooks.state:rw'], owner, (_, { registrations }) => ({
    license_webhooks_enabled: registrations.isEnabled(),
  })),
  enable_license_webhooks: setEnabled(true),
  disable_license_webhooks: setEnabled(false),
};
