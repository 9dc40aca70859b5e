import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { CliError, describeCause } from './errors.ts';

/** A webhook body from a file. */
export interface RecordedBody {
  readonly file: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const jsonObject = z.record(z.string(), z.unknown());

const readText = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new CliError(`${file} cannot be read: ${describeCause(cause)}`, {
      cause,
    });
  }
};

const readBody = async (file: string): Promise<RecordedBody> => {
  const text = await readText(file);
  try {
    return { file, body: jsonObject.parse(JSON.parse(text)) };
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? 'is not JSON' : 'is not a JSON object';
    throw new CliError(`${file} ${reason}: a webhook's body is expected.`, { cause });
  }
};

const namesIn = async (folder: string): Promise<string[]> => {
  const names = await readdir(folder);
  if (!names.includes('ORDER')) return names.filter((name) => name.endsWith('.json')).sort();
  const lines = (await readText(join(folder, 'ORDER'))).split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '');
};

const filesOf = async (path: string): Promise<string[]> => {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new CliError(`There is no file or folder ${path}.`);
  if (!found.isDirectory()) return [path];
  const names = await namesIn(path);
  if (names.length === 0) throw new CliError(`The folder ${path} has no .json file to send.`);
  return names.map((name) => join(path, name));
};

/**
 * The bodies of files and folders, in the order in which they are to be sent: a folder's ORDER file names its files, one a
 * line; without it they go by name.
 * @throws CliError that names the file
 */
export const readRecorded = async (paths: readonly string[]): Promise<RecordedBody[]> => {
  const files = await Promise.all(paths.map(filesOf));
  return Promise.all(files.flat().map(readBody));
};
