import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { localFileKey, storeLocalFile } from '../../core/media/store.ts';
import type { SendRequest } from '../../core/outbound/submit.ts';
import { CliError, describeCause, UsageError } from '../errors.ts';
import type { SendOptions } from './options.ts';

type Message = SendRequest['messages'][number];

/** LiveChat takes no more. */
const mostFileBytes = 10 * 1024 * 1024;

const readable = async <Result>(path: string, read: () => Promise<Result>): Promise<Result> => {
  try {
    return await read();
  } catch (cause) {
    throw new CliError(`${path} cannot be read: ${describeCause(cause)}`, { cause });
  }
};

const sizeOf = (path: string): Promise<number> =>
  readable(path, async () => {
    await access(path, constants.R_OK);
    const found = await stat(path);
    if (!found.isFile()) throw new UsageError('it is no file');
    return found.size;
  });

const readCard = async (path: string): Promise<unknown> => {
  const text = await readable(path, () => readFile(path, 'utf8'));
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`${path} is not JSON: a rich message is expected.`, { cause });
  }
};

interface Place {
  readonly organizationId: string;
  readonly conversationId: string;
  readonly requestId: string;
}

/** What is to be sent, and what must be done first for it to be there. */
export interface Content {
  readonly message: Message;
  readonly prepare?: () => Promise<unknown>;
}

/** A file of this machine goes by way of the bucket, where the conversation's own files lie. */
const fromDisk = async (path: string, { requestId, ...conversation }: Place): Promise<Content> => {
  const size = await sizeOf(path);
  if (size > mostFileBytes) throw new UsageError(`${path} has more than the 10 MB that LiveChat takes.`);
  const place = { ...conversation, messageId: requestId };
  return {
    message: { type: 'media', content: { key: localFileKey(place, path), name: basename(path) } },
    prepare: () => storeLocalFile(place, path),
  };
};

/** @throws CliError, UsageError about the file that was named */
export const contentOf = async ({ text, file, card }: SendOptions, place: Place): Promise<Content> => {
  if (text !== undefined) return { message: { type: 'text', content: text } };
  if (card !== undefined) return { message: { type: 'interactive', content: await readCard(card) } };
  if (file === undefined) throw new UsageError('Give one of --text, --file and --card.');
  if (URL.parse(file)?.protocol === 'https:') return { message: { type: 'media', content: { url: file } } };
  return fromDisk(file, place);
};
