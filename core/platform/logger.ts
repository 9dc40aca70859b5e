import { Logger } from '@aws-lambda-powertools/logger';

let shared: Logger | undefined;

/** Made when the first line is logged: a webhook that goes well logs none. */
function logger(): Logger {
  shared ??= new Logger();
  return shared;
}

export type LogKeys = Readonly<Record<string, unknown>>;

/** Structured logging with fixed keys. Message contents and secrets do not belong in either argument. */
export interface Log {
  debug(message: string, keys?: LogKeys): void;
  info(message: string, keys?: LogKeys): void;
  warn(message: string, keys?: LogKeys): void;
  error(message: string, keys?: LogKeys): void;
}

/** Keys go with each line rather than into the shared logger: one process may handle several events at once. */
export function logWith(fixed: LogKeys): Log {
  return {
    debug: (message, keys) => logger().debug(message, { ...fixed, ...keys }),
    info: (message, keys) => logger().info(message, { ...fixed, ...keys }),
    warn: (message, keys) => logger().warn(message, { ...fixed, ...keys }),
    error: (message, keys) => logger().error(message, { ...fixed, ...keys }),
  };
}

/**
 * What a log may hold of an error: its name, and its message where the error is one of ours or AWS's. A cause stays out,
 * since a parser's cause quotes the body.
 */
export function errorKeys(error: unknown): LogKeys {
  if (!(error instanceof Error)) return { errorType: typeof error };
  return error instanceof SyntaxError
    ? { errorType: error.name }
    : { errorType: error.name, errorMessage: error.message };
}
