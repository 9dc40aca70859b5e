/** What a shell script can tell from how a command ended. Listed in docs/reference/cli.md. */
export const exitCodes = { success: 0, failure: 1, usage: 2 } as const;

/** What went wrong and what to do, in words for the person at the terminal; no stack is shown for it. */
export class CliError extends Error {
  override readonly name: string = 'CliError';
  readonly exitCode: number = exitCodes.failure;
}

/** The command was not given right: nothing has been done. */
export class UsageError extends CliError {
  override readonly name = 'UsageError';
  override readonly exitCode = exitCodes.usage;
}

/** Why a call got no answer, as short as it can be said. */
export const describeCause = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof CliError) return error.message;
  if (error.name === 'TimeoutError') return 'no answer in time';
  if (error.cause instanceof Error) {
    return 'code' in error.cause && error.cause.code !== undefined ? String(error.cause.code) : error.cause.message;
  }
  return error.message;
};
