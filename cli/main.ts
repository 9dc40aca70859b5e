import { CommanderError } from '@commander-js/extra-typings';
import { applyGlobalOptions } from './command.ts';
import { CliError, exitCodes } from './errors.ts';
import { printError, printJson } from './output.ts';
import { program } from './program.ts';

interface Failure {
  readonly exitCode: number;
  /** Left out if commander has printed it. */
  readonly message?: string;
}

const networkErrors = new Set(['ECONNREFUSED', 'ENOTFOUND', 'ECONNRESET', 'EHOSTUNREACH', 'ETIMEDOUT']);

const describeNetworkError = (error: Error): string | undefined => {
  const code = 'code' in error ? String(error.code) : '';
  if (!networkErrors.has(code)) return undefined;
  const endpoint = process.env.AWS_ENDPOINT_URL;
  if (endpoint === undefined) return `AWS does not respond (${code}).`;
  return `No response from ${endpoint} (${code}). Start the local engine with \`npm start\`, or set AWS_ENDPOINT_URL to its address. For a deployed stage, pass --stage and unset AWS_ENDPOINT_URL.`;
};

/** Errors of core whose message tells the operator what to do. */
const expectedErrors = new Set(['ConfigurationError', 'RotationError', 'ConcurrentWrites']);

const describeRejection = (error: Error): string | undefined => {
  if ('$metadata' in error) return `AWS rejected the call (${error.name}): ${error.message}`;
  if ('category' in error || expectedErrors.has(error.name)) return error.message;
  if (error.name === 'CredentialsProviderError') {
    return 'No AWS credentials found: log in, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.';
  }
  if (/^Region (?:is missing|not accepted)/.test(error.message)) {
    return 'No AWS region found: set AWS_REGION or AWS_PROFILE.';
  }
  return undefined;
};

/** Also looks at the causes: ElectroDB wraps the errors of AWS. */
const describeError = (error: unknown): string | undefined =>
  error instanceof Error
    ? (describeNetworkError(error) ?? describeRejection(error) ?? describeError(error.cause))
    : undefined;

/** Undefined for an unexpected error. */
const toFailure = (error: unknown): Failure | undefined => {
  if (error instanceof CliError) return error;
  if (error instanceof CommanderError) {
    return { exitCode: error.exitCode === 0 ? exitCodes.success : exitCodes.usage };
  }
  const message = describeError(error);
  return message === undefined ? undefined : { exitCode: exitCodes.failure, message };
};

// The reader of the output, such as `head`, has closed it. Node ignores SIGPIPE, so end as on it. A command that has to clean up
// listens for it.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    if (!('code' in error && error.code === 'EPIPE')) throw error;
    if (!process.emit('SIGPIPE')) process.exit(exitCodes.outputClosed);
  });
}

program.hook('preAction', async (_program, command) => {
  applyGlobalOptions(command);
  const { stage }: { stage?: string } = command.opts();
  if (command.options.some(({ long }) => long === '--stage')) await (await import('./bridge.ts')).findBridge(stage);
});

try {
  await program.parseAsync();
} catch (error) {
  const failure = toFailure(error);
  // A bug: Node prints the stack trace.
  if (failure === undefined) throw error;
  const { exitCode, message } = failure;
  if (message !== undefined) {
    // Options may not have been parsed.
    if (process.argv.includes('--json')) printJson({ ok: false, error: message });
    else printError(message);
  }
  if (exitCode !== exitCodes.success) process.exitCode = exitCode;
}
