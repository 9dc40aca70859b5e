import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { findConversations } from '../core/conversations/queries.ts';
import { liveChatSender } from '../core/livechat/sender.ts';
import { localFileKey, storeLocalFile } from '../core/media/store.ts';
import type { OutboundRequest } from '../core/outbound/carrier.ts';
import { RequestInvalid } from '../core/outbound/errors.ts';
import { progressOf, type RequestProgress } from '../core/outbound/follow.ts';
import { checkRequest, type SendRequest, submit } from '../core/outbound/submit.ts';
import { chooseOrganization } from './bridge.ts';
import type { SendOptions } from './commands/send.ts';
import { CliError, exitCodes, UsageError } from './errors.ts';
import { readJson, withFileErrors } from './files.ts';
import { colours, print, printJson } from './output.ts';

/** Puts a send request on the bus and, with --wait, waits for its result. */
export const send = async (options: SendOptions): Promise<void> => {
  const { chat: conversationId, note, onInactive, onAbsent, expiresInSeconds, wait, json } = options;
  const target = {
    requestId: options.requestId ?? randomUUID(),
    organizationId: await findOrganization(options),
    conversationId,
  };
  const { message, upload } = await prepareMessage(options, target);
  const request: SendRequest = {
    ...target,
    messages: [{ ...message, ...(note && { visibility: 'agents' }) }],
    options: { onInactive, onAbsent, expiresInSeconds },
  };
  const startedAt = Date.now();
  const outbound = validate(request, startedAt);
  await upload?.();
  await submit('livechat.cli', request);
  if (!json) print(`requested  ${colours.dim(target.requestId)}`);
  if (!wait) {
    if (json) printJson({ ok: true, ...target });
    return;
  }
  const result = await waitForResult(outbound, startedAt, json ? () => {} : print);
  const ok = result.status === 'delivered';
  if (!ok) process.exitCode = exitCodes.failure;
  if (json) printJson({ ok, ...target, ...result });
};

const findOrganization = async ({ chat, organization }: SendOptions): Promise<string> => {
  if (organization !== undefined) return organization.toLowerCase();
  const [only, another] = await findConversations(chat);
  return only && !another ? only.organizationId : chooseOrganization(undefined);
};

const validate = (request: SendRequest, now: number): OutboundRequest<unknown> => {
  try {
    return checkRequest(request, liveChatSender().compose, now);
  } catch (error) {
    if (error instanceof RequestInvalid) throw new UsageError(`The message cannot be sent. ${error.message}`);
    throw error;
  }
};

const pollIntervalMs = 500;
/** After the request has expired, until its dead letter is archived. */
const archiveMs = 30_000;

/** Prints each change until the request is delivered or dead. */
const waitForResult = async (
  request: OutboundRequest<unknown>,
  startedAt: number,
  show: (line: string) => void,
): Promise<RequestProgress> => {
  let shown = '';
  for (;;) {
    const progress = await progressOf(request, startedAt);
    const line = formatProgress(progress);
    if (line !== shown) show(line);
    shown = line;
    if (progress.status === 'delivered' || progress.status === 'dead') return progress;
    if (Date.now() > request.expiresAt + archiveMs) {
      throw new CliError(
        `The request is still ${progress.status}. See livechat conversations show ${request.conversationId}.`,
      );
    }
    await sleep(pollIntervalMs);
  }
};

const formatProgress = ({ status, parts, deadLetter }: RequestProgress): string => {
  if (status === 'dead') {
    return `${colours.red('dead')}: ${deadLetter?.errorName} ${deadLetter?.errorMessage} (livechat dead-letters show ${deadLetter?.id})`;
  }
  if (status === 'delivered') {
    return `${colours.green('delivered')}  ${colours.dim(parts.map(({ messageId }) => messageId).join(', '))}`;
  }
  const failedCalls = Math.max(0, ...parts.map(({ attempts }) => attempts));
  if (failedCalls === 0) return status;
  const error = parts.find(({ lastError }) => lastError)?.lastError;
  return `${status}, ${failedCalls} failed calls${error ? `, last error ${error}` : ''}`;
};

/** LiveChat's limit for a file. */
const maxFileBytes = 10 * 1024 * 1024;

interface SendTarget {
  readonly organizationId: string;
  readonly conversationId: string;
  readonly requestId: string;
}

interface PreparedMessage {
  readonly message: SendRequest['messages'][number];
  /** Stores the file that the message refers to. Call it before sending. */
  readonly upload?: () => Promise<unknown>;
}

/** @throws CliError, UsageError if a file cannot be read or sent */
const prepareMessage = async ({ text, file, card }: SendOptions, target: SendTarget): Promise<PreparedMessage> => {
  if (text !== undefined) return { message: { type: 'text', content: text } };
  if (card !== undefined)
    return { message: { type: 'interactive', content: await readJson(card, z.unknown(), 'a rich message') } };
  if (file === undefined) throw new UsageError('Pass one of --text, --file and --card.');
  if (URL.parse(file)?.protocol === 'https:') return { message: { type: 'media', content: { url: file } } };
  return prepareLocalFile(file, target);
};

/** A local file is uploaded to the media bucket, next to the files of the conversation. */
const prepareLocalFile = async (path: string, { requestId, ...conversation }: SendTarget): Promise<PreparedMessage> => {
  const bytes = await withFileErrors(path, async () => {
    await access(path, constants.R_OK);
    const found = await stat(path);
    if (!found.isFile()) throw new UsageError(`${path} is not a file.`);
    return found.size;
  });
  if (bytes > maxFileBytes) throw new UsageError(`${path} is larger than 10 MB, LiveChat's limit.`);
  const place = { ...conversation, messageId: requestId };
  return {
    message: { type: 'media', content: { key: localFileKey(place, path), name: basename(path) } },
    upload: () => storeLocalFile(place, path),
  };
};
