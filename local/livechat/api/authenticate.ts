import type { Settings } from '../settings.ts';
import { LiveChatError } from './errors.ts';

const accepted = ({ accountId, apiKey, accessToken }: Settings): readonly string[] => [
  ...(apiKey === undefined ? [] : [`Basic ${Buffer.from(`${accountId}:${apiKey}`).toString('base64')}`]),
  ...(accessToken === undefined ? [] : [`Bearer ${accessToken}`]),
];

/** @throws LiveChatError when the header is missing, or names other credentials than those that were set */
export const authenticate = (authorization: string | undefined, settings: Settings): void => {
  if (authorization === undefined) {
    throw new LiveChatError('authentication', { message: 'No `Authorization` header' });
  }
  const headers = accepted(settings);
  if (headers.length > 0 && !headers.includes(authorization)) throw new LiveChatError('authentication');
};
