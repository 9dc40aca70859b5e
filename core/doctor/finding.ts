/** `fault`: something does not work. `warning`: it will not, or somebody should look. `note`: worth knowing. */
export type Severity = 'ok' | 'note' | 'warning' | 'fault';

/** What an examination has found. */
export interface Finding {
  /** What was examined, such as `tables`. */
  readonly about: string;
  readonly severity: Severity;
  readonly says: string;
  /** What to do about it. */
  readonly mend?: string;
}

/** Something that is examined on its own. */
export interface Examination {
  readonly about: string;
  run(): Promise<readonly Finding[]>;
}

export function found(about: string) {
  return {
    ok: (says: string): Finding => ({ about, severity: 'ok', says }),
    note: (says: string): Finding => ({ about, severity: 'note', says }),
    warning: (says: string, mend: string): Finding => ({ about, severity: 'warning', says, mend }),
    fault: (says: string, mend: string): Finding => ({ about, severity: 'fault', says, mend }),
  };
}
