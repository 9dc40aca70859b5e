import { hash, randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { text as readStream } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { carrierOf } from '../core/channel/carrier.ts';
import { loadPorts } from '../core/channel/ports.ts';
import { composers } from '../core/channels.ts';
import { findConversations } from '../core/conversations/queries.ts';
import { localFileKey, storeLocalFile } from '../core/media/store.ts';
import { RequestInvalid } from '../core/outbound/errors.ts';
import { publishSendRequest } from '../core/outbound/ports.ts';
import { type RequestProgress, requestProgress } from '../core/outbound/read-model.ts';
import { type SendRequest, type SendRequestData, validateRequest } from '../core/outbound/request.ts';
import { chooseOrganization } from './bridge.ts';
import type { SendOptions } from './commands/send.ts';
import { CliError, exitCodes, UsageError } from './errors.ts';
import { readJson, withFileErrors } from './files.ts';
import { colours, print, printable, printJson } from './output.ts';

/** Puts a send request on the bus and, with --wait, waits for its result. */
export const sendMessage = async (options: SendOptions): Promise<void> => {
  const { chat: conversationId, note, onInactive, onAbsent, expiresInSeconds, wait, json } = options;
  const organizationId = await findOrganization(options);
  const target = {
    requestId: options.requestId ?? randomUUID(),
    organizationId,
    conversationId,
  };
  const { message, upload } = await prepareMessage(options, target);
  const startedAt = Date.now();
  const request: SendRequestData = {
    ...target,
    carrier: carrierOf(organizationId),
    sentAt: startedAt,
    messages: [{ ...message, ...(note && { visibility: 'agents' }) }],
    options: { onInactive, onAbsent, expiresInSeconds },
  };
  const outbound = await validate(request, startedAt);
  await upload?.();
  const eventId = await publishSendRequest('livechat.cli', request);
  if (!json) print(`requested  ${colours.dim(target.requestId)}`);
  if (!wait) {
    if (json) printJson({ ok: true, ...target });
    return;
  }
  const result = await waitForResult(outbound, eventId, startedAt, json ? () => {} : print);
  const ok = result.status === 'delivered';
  if (!ok) process.exitCode = exitCodes.failure;
  if (json) printJson({ ok, ...target, ...result });
};

const findOrganization = async ({ chat, organization }: SendOptions): Promise<string> => {
  if (organization !== undefined) return organization;
  const [only, another] = await findConversations(chat);
  return only && !another ? only.organizationId : chooseOrganization(undefined);
};

const validate = async (request: SendRequestData, now: number): Promise<SendRequest<unknown>> => {
  const loaded = await loadPorts(composers);
  try {
    return validateRequest(request, loaded, now);
  } catch (error) {
    if (error instanceof RequestInvalid) throw new UsageError(`The message cannot be sent. ${error.message}`);
    throw error;
  }
};

const pollIntervalMs = 500;
/** After the request has expired, until its dead letter is archived. */
const archiveMs = 30_000;

const finalStatuses: ReadonlySet<string> = new Set(['delivered', 'failed', 'conflict']);

/** Prints each change until the request is delivered, failed, or in conflict with an earlier one. */
const waitForResult = async (
  request: SendRequest<unknown>,
  eventId: string,
  startedAt: number,
  show: (line: string) => void,
): Promise<RequestProgress> => {
  let shown = 'requested';
  for (;;) {
    const progress = await requestProgress(request, eventId);
    const line = formatProgress(progress);
    if (line !== shown) show(line);
    shown = line;
    if (finalStatuses.has(progress.status)) return progress;
    if (Date.now() > startedAt + request.expiresInMs + archiveMs) {
      throw new CliError(
        `The request is still ${progress.status}. See livechat conversations show ${request.conversationId}.`,
      );
    }
    await sleep(pollIntervalMs);
  }
};

const formatProgress = ({ status, parts, deadLetter }: RequestProgress): string => {
  const reference = deadLetter ? ` (livechat dead-letters show ${deadLetter.id})` : '';
  if (status === 'conflict') {
    return `${colours.red('conflict')}: an earlier request used this requestId with different content; use a new requestId${reference}`;
  }
  if (status === 'failed') {
    return `${colours.red('failed')}: ${deadLetter?.errorName} ${printable(deadLetter?.errorMessage ?? '')}${reference}`;
  }
  if (status === 'delivered') {
    return `${colours.green('delivered')}  ${colours.dim(parts.map(({ messageId }) => messageId).join(', '))}`;
  }
  const failedCalls = Math.max(0, ...parts.map((part) => part.failedCalls));
  if (failedCalls === 0) return status;
  const error = parts.find(({ lastError }) => lastError)?.lastError;
  return `${status}, ${failedCalls} failed calls${error ? `, last error ${error}` : ''}`;
};

/** The limit of a file. */
const maxFileBytes = 10 * 1024 * 1024;
/** Of the hash of a file in its key. */
const hashDigits = 16;

type SendTarget = Pick<SendRequestData, 'organizationId' | 'conversationId' | 'requestId'>;

interface PreparedMessage {
  readonly message: SendRequestData['messages'][number];
  /** Stores the file that the message refers to. Call it before sending. */
  readonly upload?: () => Promise<unknown>;
}

/** @throws CliError, UsageError if a file cannot be read or sent */
const prepareMessage = async ({ text, file, card }: SendOptions, target: SendTarget): Promise<PreparedMessage> => {
  if (text !== undefined) return { message: { type: 'text', content: text === '-' ? await readInput() : text } };
  if (card !== undefined)
    return { message: { type: 'interactive', content: await readJson(card, z.unknown(), 'a rich message') } };
  if (file === undefined) throw new UsageError('Pass one of --text, --file and --card.');
  if (URL.parse(file)?.protocol === 'https:') return { message: { type: 'media', content: { url: file } } };
  return prepareLocalFile(file, target);
};

/** Reads a text from stdin, without the line feed at its end. */
const readInput = async (): Promise<string> => {
  const text = (await readStream(process.stdin)).replace(/\r?\n$/, '');
  if (text === '') throw new UsageError('--text - reads the text from stdin, which is empty.');
  return text;
};

/**
 * A local file is uploaded to the media bucket, next to the files of the conversation. Its key contains a hash of its content,
 * so that another file with the same requestId is a conflict and does not replace the first.
 */
const prepareLocalFile = async (path: string, { requestId, ...conversation }: SendTarget): Promise<PreparedMessage> => {
  const content = await withFileErrors(path, async () => {
    const found = await stat(path);
    if (!found.isFile()) throw new UsageError(`${path} is not a file.`);
    if (found.size > maxFileBytes) throw new UsageError(`${path} is larger than 10 MB, the limit of a file.`);
    return readFile(path);
  });
  const contentHash = hash('sha256', content).slice(0, hashDigits);
  const place = { ...conversation, messageId: `${requestId}-${contentHash}` };
  return {
    message: { type: 'media', content: { key: localFileKey(place, path), name: basename(path) } },
    upload: () => storeLocalFile(place, path),
  };
};
