import type { Version } from './version.ts';

/**
 * How LiveChat says with each answer that a version is on its way out. v3.4's date is documented; of v3.5 it is only
 * known that it is legacy.
 */
const notices: Readonly<Partial<Record<Version, Readonly<Record<string, string>>>>> = {
  'v3.4': { deprecation: '2026-03-31' },
  'v3.5': { legacy: '2027-03-31' },
};

export const lifeCycleHeaders = (version: string): Readonly<Record<string, string>> =>
  new Map<string, Readonly<Record<string, string>>>(Object.entries(notices)).get(version) ?? {};
