import { readFile } from 'node:fs/promises';
import type * as z from 'zod/mini';
import { CliError, describeCause } from './errors.ts';

/**
 * Runs a file operation.
 *
 * @throws CliError that names the file; a CliError of `operation` itself is not changed
 */
export const withFileErrors = async <Result>(file: string, operation: () => Promise<Result>): Promise<Result> => {
  try {
    return await operation();
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError(`${file} cannot be read: ${describeCause(cause)}`, { cause });
  }
};

export const readText = (file: string): Promise<string> => withFileErrors(file, () => readFile(file, 'utf8'));

/**
 * Reads a JSON file. `expected` describes its content, such as "a JSON object".
 *
 * @throws CliError that names the file
 */
export const readJson = async <Result>(
  file: string,
  schema: z.ZodMiniType<Result>,
  expected: string,
): Promise<Result> => {
  const parsed = schema.safeParse(parseJson(file, await readText(file), expected));
  if (parsed.success) return parsed.data;
  throw new CliError(`${file} is not ${expected}.`, { cause: parsed.error });
};

const parseJson = (file: string, text: string, expected: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CliError(`${file} is not JSON: expected ${expected}.`, { cause });
  }
};
