import { type Finding, fault } from '../../core/channel/finding.ts';
import type { ResourceVariable } from '../../core/platform/configuration.ts';

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
