import type { Settings } from '../settings.ts';
import { LiveChatError } from './errors.ts';

/** Any one of these lets a caller use the method. Source: references of the Agent Chat and Configuration APIs. */
const readingChats = ['chats--all:ro', 'chats--all:rw', 'chats--access:ro', 'chats--access:rw'];
const writingChats = ['chats--all:rw', 'chats--access:rw'];
const readingState = ['webhooks.state:ro', 'webhooks.state:rw'];

const needed: Readonly<Record<string, readonly string[]>> = {
  get_chat: readingChats,
  list_chats: readingChats,
  list_threads: readingChats,
  register_webhook: ['webhooks.configuration:rw'],
  unregister_webhook: ['webhooks.configuration:rw'],
  list_webhooks: ['webhooks.configuration:rw'],
  get_license_webhooks_state: readingState,
  enable_license_webhooks: ['webhooks.state:rw'],
  disable_license_webhooks: ['webhooks.state:rw'],
};

/** @throws LiveChatError when the caller's token lacks the scope; without a setting it has them all */
export const authorize = (method: string, { scopes }: Settings): void => {
  if (scopes === undefined || scopes === null) return;
  const wanted = needed[method] ?? writingChats;
  if (wanted.some((scope) => scopes.includes(scope))) return;
  throw new LiveChatError('authorization', { message: `Missing scope: ${wanted.join(' or ')}` });
};
