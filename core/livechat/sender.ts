import { basename } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { type Channel, maxFetchMs } from '../channel/channel.ts';
import { FileRefused } from '../media/errors.ts';
import { type FetchRules, fetchFile, sendingRules, withDownload } from '../media/fetch.ts';
import { fileNameFromUrl, mediaBucket } from '../media/media.ts';
import { detectFileType } from '../media/store.ts';
import { RequestInvalid } from '../outbound/errors.ts';
import { openObject } from '../platform/objects.ts';
import { liveChatChannel } from './carrier.ts';
import type { FetchedFile, FileSource, Part } from './compose.ts';
import { type Connect, createConnections } from './connection.ts';

/** Returns the function that connects the send step to an organization's LiveChat account. */
export function liveChatSender(
  environment = process.env,
): (...organization: Parameters<Connect>) => Promise<Channel<Part>> {
  const connect = createConnections(environment);
  const rules = sendingRules(maxFetchMs, environment);
  return async (organizationId, onQuotaExhausted) =>
    liveChatChannel({
      ...(await connect(organizationId, onQuotaExhausted)),
      withFile: (source, use) => withFile(organizationId, source, rules, use),
    });
}

/**
 * Fetches a file to send to disk and removes it after `use`. The source is a URL or the organization's own key in the
 * media bucket.
 *
 * @throws FileRefused, FileUnavailable, RequestInvalid
 */
export async function withFile<T>(
  organizationId: string,
  source: FileSource,
  rules: FetchRules,
  use: (file: FetchedFile) => Promise<T>,
): Promise<T> {
  if ('key' in source) return withStoredFile(organizationId, source.key, rules, use);
  return fetchFile(source.url, rules, async (file) => {
    const { contentType } = await detectFileType(file.path, file.contentType);
    return use({ ...file, contentType, name: fileNameFromUrl(source.url) || 'file' });
  });
}

/** Keys begin with the organization's id, so one organization cannot send another's files. */
async function withStoredFile<T>(
  organizationId: string,
  key: string,
  { timeoutMs, maxBytes }: FetchRules,
  use: (file: FetchedFile) => Promise<T>,
): Promise<T> {
  if (!key.startsWith(`${organizationId}/`)) {
    throw new RequestInvalid('content.key: expected a key under the organization’s own id');
  }
  const signal = AbortSignal.timeout(timeoutMs);
  const object = await openObject({ bucket: mediaBucket(), key }, signal);
  if (!object) throw new FileRefused('content.key: expected the key of a file that is in the media bucket');
  const { content, contentType } = object;
  return withDownload(
    () => addAbortSignal(signal, content),
    maxBytes,
    (file) => use({ ...file, contentType, name: basename(key) }),
  );
}
