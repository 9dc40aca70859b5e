import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { openState, type State } from '../../state.ts';
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
  /** Default: in memory. */
  readonly state?: State;
}

interface Registration {
  readonly id: string;
  readonly request: RegisterWebhook;
  /** When it takes effect. */
  readonly from: number;
  /** When its removal takes effect, if it was removed. */
  readonly until?: number;
}

export const createRegistrations = (options: RegistrationOptions) => {
  const { now, delayMs, defaultReceiver, state = openState() } = options;
  const stored = state.collection<Registration>('webhook registrations');
  const switches = state.collection<boolean>('webhook switches');
  const registrations = new Map(stored.entries());
  let enabled = switches.get('license') ?? true;

  const put = (registration: Registration): void => {
    registrations.set(registration.id, registration);
    stored.put(registration.id, registration);
  };
  const registered = (ownerClientId: string) =>
    [...registrations.values()].filter(
      ({ request, until }) => until === undefined && request.owner_client_id === ownerClientId,
    );

  return {
    /** @throws LiveChatError if the application has three for this action */
    register(request: RegisterWebhook) {
      const same = registered(request.owner_client_id).filter((other) => other.request.action === request.action);
      if (same.length >= maxPerAction) throw new LiveChatError('limit_reached');
      const id = randomUUID().replaceAll('-', '');
      put({ id, request, from: now() + delayMs() });
      return { id };
    },

    /** @throws LiveChatError if the application has no such registration */
    unregister(id: string, ownerClientId: string): void {
      const registration = registered(ownerClientId).find((one) => one.id === id);
      if (registration === undefined) throw new LiveChatError('not_found');
      put({ ...registration, until: now() + delayMs() });
    },

    /** The registrations of an application, without their secrets. */
    list: (ownerClientId: string) =>
      registered(ownerClientId).map(({ id, request: { secret_key: _, ...visible } }) => ({ id, ...visible })),

    isEnabled: () => enabled,

    setEnabled(to: boolean): void {
      enabled = to;
      switches.put('license', to);
    },

    /** Changes the address in all registrations of a receiver. The port of a receiver can differ in each run. */
    moveReceiver(from: string, to: string): void {
      for (const registration of registrations.values()) {
        const { request } = registration;
        if (request.url === from) put({ ...registration, request: { ...request, url: to } });
      }
    },

    /** The receivers of this action's webhooks. */
    targets(action: WebhookAction): Target[] {
      const at = now();
      const all = [...registrations.values()];
      if (all.every(({ from }) => at < from)) return enabled ? [defaultTarget(action, defaultReceiver)] : [];
      return all
        .filter(({ from, until = Infinity }) => from <= at && at < until)
        .filter(({ request }) => request.action === action && (enabled || request.type === 'bot'))
        .map(({ id: webhookId, request: { url, secret_key: secretKey, additional_data: additionalData = [] } }) => ({
          webhookId,
          url,
          secretKey,
          additionalData,
        }));
    },
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
    return registrations.register(request);
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
