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

const everything: readonly AdditionalData[] = ['chat_properties', 'chat_presence_user_ids'];

/** @param fallback gets every webhook as long as nothing is registered; its `webhookId` depends on the action */
export const createRegistrations = (
  uuid: () => string,
  fallback: (action: string) => Omit<Target, 'additionalData'>,
): Registrations => {
  const registrations = new Map<string, RegisterWebhook>();
  let enabled = true;

  const register = (request: RegisterWebhook): string => {
    const { action, owner_client_id } = request;
    const same = [...registrations.values()].filter(
      (other) => other.action === action && other.owner_client_id === owner_client_id,
    );
    if (same.length >= maxPerAction) throw new LiveChatError('limit_reached');
    const id = uuid().replaceAll('-', '');
    registrations.set(id, request);
    return id;
  };

  const unregister = (id: string, ownerClientId: string): void => {
    if (registrations.get(id)?.owner_client_id !== ownerClientId) throw new LiveChatError('not_found');
    registrations.delete(id);
  };

  const list = (ownerClientId: string) =>
    [...registrations]
      .filter(([, { owner_client_id }]) => owner_client_id === ownerClientId)
      .map(([id, { secret_key: _, ...shown }]) => ({ id, ...shown }));

  const targets = (action: string): Target[] => {
    if (registrations.size === 0) return enabled ? [{ ...fallback(action), additionalData: everything }] : [];
    return [...registrations]
      .filter(([, registered]) => registered.action === action && (enabled || registered.type === 'bot'))
      .map(([webhookId, { url, secret_key: secretKey, additional_data: additionalData = [] }]) => ({
        webhookId,
        url,
        secretKey,
        additionalData,
      }));
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
