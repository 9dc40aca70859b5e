import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileTypeFromBuffer } from 'file-type';
import { mediaPrefix } from '../../core/media/media.ts';
import type { SendRequest } from '../../core/outbound/submit.ts';
import { required } from '../../core/platform/configuration.ts';
import { putObject } from '../../core/platform/objects.ts';
import type { SendOptions } from '../commands/send.ts';
import { CliError, causeOf, UsageError } from '../errors.ts';

type Message = SendRequest['messages'][number];

/** LiveChat takes no more. */
const mostFileBytes = 10 * 1024 * 1024;

const read = async (path: string): Promise<Buffer> => {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new CliError(`${path} cannot be read: ${causeOf(cause)}`, { cause });
  }
};

const readCard = async (path: string): Promise<unknown> => {
  const text = (await read(path)).toString('utf8');
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
  readonly prepare?: () => Promise<void>;
}

/** A file of this machine goes by way of the bucket, where the conversation's own files lie. */
const fromDisk = async (path: string, { requestId, ...conversation }: Place): Promise<Content> => {
  const body = await read(path);
  if (body.length > mostFileBytes) throw new UsageError(`${path} has more than the 10 MB that LiveChat takes.`);
  const name = basename(path);
  const key = `${mediaPrefix({ ...conversation, messageId: requestId })}${encodeURIComponent(name)}`;
  const bucket = required('MEDIA_BUCKET', 'the name of the media bucket');
  const contentType = (await fileTypeFromBuffer(body))?.mime ?? 'application/octet-stream';
  return {
    message: { type: 'media', content: { key, name } },
    prepare: () => putObject({ bucket, key, body, contentType }),
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
