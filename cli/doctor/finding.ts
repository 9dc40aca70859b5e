import type { ResourceVariable } from '../../core/platform/configuration.ts';

/** One result of a check. */
export interface Finding {
  /** What was checked, such as `tables`. By default the name of the check that found it. */
  readonly check?: string;
  /** `fault`: something does not work. `warning`: something needs attention. `note`: information. */
  readonly severity: 'ok' | 'note' | 'warning' | 'fault';
  /** What was found, in one sentence. */
  readonly message: string;
  /** What to do about it. */
  readonly fix?: string;
}

export const ok = (message: string): Finding => ({ severity: 'ok', message });
export const note = (message: string): Finding => ({ severity: 'note', message });
export const warning = (message: string, fix: string): Finding => ({ severity: 'warning', message, fix });
/** The default fix is right for every resource that a deployment creates. */
export const fault = (message: string, fix = 'Deploy the stage again (locally, restart the engine).'): Finding => ({
  severity: 'fault',
  message,
  fix,
});

/** The problems or, if there are none, what is correct. */
export const problemsOr = (problems: readonly Finding[], message: string): readonly Finding[] =>
  problems.length > 0 ? problems : [ok(message)];

/**
 * Checks a resource whose name or address is in an environment variable. A missing variable or resource is a fault.
 *
 * @param kind such as `bucket`
 * @param consequence what follows if it does not exist, such as `: nothing is sent`
 */
export async function checkResource(
  kind: string,
  variable: ResourceVariable,
  check: (name: string) => Promise<readonly Finding[]>,
  consequence = '',
): Promise<readonly Finding[]> {
  const name = process.env[variable];
  if (!name) return [fault(`${variable} is not set.`)];
  return (await ifFound(check(name))) ?? [fault(`The ${kind} ${name} does not exist${consequence}.`)];
}

/** Resolves to undefined if a call fails because the resource does not exist, by the name of the AWS error. */
export async function ifFound<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof Error && /NotFound|NoSuch|NonExistent|DoesNotExist/.test(error.name)) return undefined;
    throw error;
  }
}
