/** Documented in docs/reference/cli.md. */
export const exitCodes = { success: 0, failure: 1, usage: 2, interrupted: 130, outputClosed: 141 } as const;

/** An expected failure. Its message says what to do, and is printed without a stack trace. */
export class CliError extends Error {
  override readonly name: string = 'CliError';
  readonly exitCode: number = exitCodes.failure;
}

/** Invalid arguments. Nothing has been changed. */
export class UsageError extends CliError {
  override readonly name = 'UsageError';
  override readonly exitCode = exitCodes.usage;
}

/** Why a call or a file operation failed, in a few words. */
export const describeCause = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof CliError) return error.message;
  if (error.name === 'TimeoutError') return 'timed out';
  if (error.cause instanceof Error) {
    return 'code' in error.cause && error.cause.code !== undefined ? String(error.cause.code) : error.cause.message;
  }
  return error.message;
};
