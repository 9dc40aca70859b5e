import { CommanderError } from 'commander';
import { CliError, exitCodes } from './errors.ts';
import { printError, printJson } from './output.ts';

interface Ending {
  readonly exitCode: number;
  /** Left out where commander has said it already. */
  readonly message?: string;
}

const unreachable = new Set(['ECONNREFUSED', 'ENOTFOUND', 'ECONNRESET', 'EHOSTUNREACH', 'ETIMEDOUT']);

const codeOf = (error: Error): unknown => ('code' in error ? error.code : undefined);

/** AWS and LiveChat say what they refused; a table's library has AWS's own error as its cause. */
const refusalOf = (error: Error): string | undefined => {
  if ('$metadata' in error) return `AWS answered ${error.name}: ${error.message}`;
  if ('category' in error || error.name === 'ConfigurationError') return error.message;
  if (error.name === 'CredentialsProviderError') {
    return 'AWS knows no credentials here: log in, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY.';
  }
  if (/^Region (?:is missing|not accepted)/.test(error.message)) {
    return 'AWS knows no region here: set AWS_REGION, or AWS_PROFILE.';
  }
  return undefined;
};

const unanswered = (error: Error): string | undefined => {
  if (!unreachable.has(String(codeOf(error)))) return undefined;
  const endpoint = process.env.AWS_ENDPOINT_URL;
  if (endpoint === undefined) return `AWS does not answer (${codeOf(error)}).`;
  return `Nothing answers at ${endpoint} (${codeOf(error)}). Start the local engine with \`npm start\`, set AWS_ENDPOINT_URL to where it is, or name a deployed stage with --stage.`;
};

const messageOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error)) return undefined;
  return unanswered(error) ?? refusalOf(error) ?? messageOf(error.cause);
};

/** What is known to go wrong, in words. Undefined for a mistake in the program itself. */
export const endingOf = (error: unknown): Ending | undefined => {
  if (error instanceof CliError) return error;
  if (error instanceof CommanderError) {
    return { exitCode: error.exitCode === 0 ? exitCodes.success : exitCodes.usage };
  }
  const message = messageOf(error);
  return message === undefined ? undefined : { exitCode: exitCodes.failure, message };
};

/** Says how a command ended badly; with --json as JSON, whatever it was. */
export const report = ({ message }: Ending, json: boolean): void => {
  if (message === undefined) return;
  if (json) printJson({ ok: false, error: message });
  else printError(message);
};
