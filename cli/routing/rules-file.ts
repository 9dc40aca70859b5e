import { readFile } from 'node:fs/promises';
import type { RuleSet } from '../../core/routing/rules.ts';
import { InvalidRulesError, parseRules } from '../../core/routing/schema.ts';
import { CliError, causeOf } from '../errors.ts';

const parsedJson = (file: string, text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CliError(`${file} is not JSON: ${causeOf(cause)}`, { cause });
  }
};

/** @throws CliError that names the file, and each field that does not fit */
export const readRules = async (file: string): Promise<RuleSet> => {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new CliError(`${file} cannot be read: ${causeOf(cause)}`, { cause });
  });
  try {
    return parseRules(parsedJson(file, text));
  } catch (error) {
    if (!(error instanceof InvalidRulesError)) throw error;
    const lines = error.issues.map(({ path, message }) => `  ${path}: ${message}`);
    throw new CliError(`${file} holds no routing rules:\n${lines.join('\n')}`, { cause: error });
  }
};
