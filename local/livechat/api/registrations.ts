import type { AdditionalData, Target } from '../webhooks.ts';
import { LiveChatError } from './errors.ts';
import type { RegisterWebhook } from './registration-requests.ts';

const maxPerAction = 3;

/** A registered webhook as it is shown: its secret is not. */
export type ShownRegistration = Omit<RegisterWebhook, 'secret_key'> & { readonly id: string };

export interface Registrations {
  /** @returns the id of the registration. @throws LiveChatError when there are three for this action and application */
  readonly register: (request: RegisterWebhook) => string;
  /** @throws LiveChatError when the application has no such registration */
  readonly unregister: (id: string, ownerClientId: string) => void;
  readonly list: (ownerClientId: string) => readonly ShownRegistration[];
  readonly isEnabled: () => boolean;
  readonly enable: (enabled: boolean) => void;
  /** Where webhooks of this action go. */
  readonly targets: (action: string) => readonly Target[];
}

export interface RegistrationSources {
  readonly uuid: () => string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How long a change takes to be in effect. */
  readonly delayMs: () => number;
  /** Gets every webhook until the first registration is in effect; its `webhookId` depends on the action. */
  readonly fallback: (action: string) => Omit<Target, 'additionalData'>;
}

interface Registration {
  readonly request: RegisterWebhook;
  readonly from: number;
  /** Set once it is unregistered. */
  readonly until?: number;
}

const everything: readonly AdditionalData[] = ['chat_properties', 'chat_presence_user_ids'];

export const createRegistrations = ({ uuid, now, delayMs, fallback }: RegistrationSources): Registrations => {
  const registrations = new Map<string, Registration>();
  /** When the first registration came into effect. */
  let ownFrom = Number.POSITIVE_INFINITY;
  let enabled = true;

  const registered = (ownerClientId: string) =>
    [...registrations].filter(
      ([, { request, until }]) => until === undefined && request.owner_client_id === ownerClientId,
    );

  const register = (request: RegisterWebhook): string => {
    const same = registered(request.owner_client_id).filter(([, other]) => other.request.action === request.action);
    if (same.length >= maxPerAction) throw new LiveChatError('limit_reached');
    const id = uuid().replaceAll('-', '');
    const from = now() + delayMs();
    registrations.set(id, { request, from });
    ownFrom = Math.min(ownFrom, from);
    return id;
  };

  const unregister = (id: string, ownerClientId: string): void => {
    const [, registration] = registered(ownerClientId).find(([one]) => one === id) ?? [];
    if (registration === undefined) throw new LiveChatError('not_found');
    registrations.set(id, { ...registration, until: now() + delayMs() });
  };

  const list = (ownerClientId: string) =>
    registered(ownerClientId).map(([id, { request }]) => {
      const { secret_key: _, ...shown } = request;
      return { id, ...shown };
    });

  const targets = (action: string): Target[] => {
    const at = now();
    if (at < ownFrom) return enabled ? [{ ...fallback(action), additionalData: everything }] : [];
    return [...registrations]
      .filter(([, { from, until = Number.POSITIVE_INFINITY }]) => from <= at && at < until)
      .filter(([, { request }]) => request.action === action && (enabled || request.type === 'bot'))
      .map(
        ([
          webhookId,
          {
            request: { url, secret_key: secretKey, additional_data: additionalData = [] },
          },
        ]) => ({
          webhookId,
          url,
          secretKey,
          additionalData,
        }),
      );
  };

  return {
    register,
    unregister,
    list,
    isEnabled: () => enabled,
    enable: (to) => {
      enabled = to;
    },
    targets,
  };
};
