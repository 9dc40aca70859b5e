/** `fault`: something does not work. `warning`: something needs attention. `note`: information. */
export type Severity = 'ok' | 'note' | 'warning' | 'fault';

/** One result of a check. */
export interface Finding {
  /** What was checked, such as `tables`. */
  readonly check: string;
  readonly severity: Severity;
  /** What was found, in one sentence. */
  readonly message: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** A check that runs independently of the others. */
export interface Check {
  readonly name: string;
  run(): Promise<readonly Finding[]>;
}

/** Constructors of one check's findings. */
export function findings(check: string) {
  return {
    ok: (message: string): Finding => ({ check, severity: 'ok', message }),
    note: (message: string): Finding => ({ check, severity: 'note', message }),
    warning: (message: string, fix: string): Finding => ({ check, severity: 'warning', message, fix }),
    fault: (message: string, fix: string): Finding => ({ check, severity: 'fault', message, fix }),
  };
}

/** Creates a check from a function that receives the constructors of its findings. */
export function defineCheck(
  name: string,
  run: (constructors: ReturnType<typeof findings>) => Promise<readonly Finding[]>,
): Check {
  return { name, run: () => run(findings(name)) };
}

/** The fix for every resource that a deployment creates. */
export const deployAgain = 'Deploy the stage again (locally, restart the engine).';

/** Resolves to undefined if a call fails because the resource does not exist, by the names of the AWS errors. */
export async function ifFound<T>(call: Promise<T>, ...errorNames: readonly string[]): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof Error && errorNames.some((name) => String(error.name).includes(name))) return undefined;
    throw error;
  }
}
