import { Logger } from '@aws-lambda-powertools/logger';
/**
 * The process's logger. Its service name and level come from `POWERTOOLS_SERVICE_NAME` and `LOG_LEVEL`. Add keys with
 * `logger.createChild({ persistentKeys })`: keys appended to the shared logger would show in the lines of concurrent
 * invocations.
 *
 * Log an error as `{ error }`. Only its name and message are logged, because a cause or a stack can quote the request
 * body. The message of a `SyntaxError` quotes the text that does not parse, so its name alone is logged.
 */
export declare const logger: Logger;
export type LogKeys = Readonly<Record<string, unknown>>;
/** The part of a logger that domain modules use. Neither argument may hold message contents or secrets. */
export interface Log {
    debug(message: string, ...keys: LogKeys[]): void;
    info(message: string, ...keys: LogKeys[]): void;
    warn(message: string, ...keys: LogKeys[]): void;
    error(message: string, ...keys: LogKeys[]): void;
}
