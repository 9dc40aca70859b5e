import type { Environment } from '../platform/configuration.ts';

/** `fault`: something does not work. `warning`: something needs attention. `note`: information. */
export type Severity = 'ok' | 'note' | 'warning' | 'fault';

/** One result of a check. */
export interface Finding {
  readonly severity: Severity;
  /** What was found, in one sentence. */
  readonly message: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** A finding with what was checked, such as `tables`. */
export interface NamedFinding extends Finding {
  readonly check: string;
}

export const named = (check: string, findings: readonly Finding[]): NamedFinding[] =>
  findings.map((one) => ({ check, ...one }));

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

/** A resource whose name or address is in an environment variable. */
export interface ExpectedResource {
  /** Such as `bucket`. */
  readonly kind: string;
  readonly variable: string;
  /** Names of the AWS errors for a missing resource. */
  readonly errorNames: readonly string[];
  /** What follows if it does not exist, such as `: nothing is sent`. */
  readonly consequence?: string;
}

/** Checks a resource. A missing variable or resource is a fault. */
export async function checkResource(
  { kind, variable, errorNames, consequence = '' }: ExpectedResource,
  environment: Environment,
  check: (name: string) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  const name = environment[variable];
  if (!name) return [fault(`${variable} does not name a ${kind}.`)];
  const found = await ifFound(check(name), ...errorNames);
  return found ?? [fault(`The ${kind} ${name} does not exist${consequence}.`)];
}

/** Resolves to undefined if a call fails because the resource does not exist, by the names of the AWS errors. */
export async function ifFound<T>(call: Promise<T>, ...errorNames: readonly string[]): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof Error && errorNames.some((name) => String(error.name).includes(name))) return undefined;
    throw error;
  }
}
