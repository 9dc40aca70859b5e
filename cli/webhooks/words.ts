import type { Mismatch, RegistrationPlan } from '../../core/livechat/registration-plan.ts';

const mismatches: Readonly<Record<Mismatch, string>> = {
  type: 'it is of type bot',
  filters: 'it has filters',
  version: 'it is of another API version',
  secret: 'it carries another secret',
  unmarked: 'it was not made by this command, so its secret is not known',
};

export const wordsOf = (found: readonly Mismatch[]): string => found.map((mismatch) => mismatches[mismatch]).join('; ');

export interface Line {
  readonly action: string;
  readonly does: 'keep' | 'create' | 'replace' | 'remove' | 'enable' | 'blocked';
  readonly why: string;
}

/** A plan as a person reads it: one line for each thing that is there or will be done. */
export const linesOf = ({ keep, removeFirst, create, remove, blocked, enable }: RegistrationPlan): Line[] => {
  const crowded = new Set(removeFirst.map(({ action }) => action));
  const replaced = new Set(create.filter(({ mismatches: found }) => found.length > 0).map(({ action }) => action));
  const gap =
    '; three are there, so one goes removeFirst, and what is sent until LiveChat has the new one may be missed';
  return [
    ...keep.map(({ action }): Line => ({ action: action ?? '', does: 'keep', why: '' })),
    ...create.map(
      ({ action, mismatches: found }): Line =>
        found.length === 0
          ? { action, does: 'create', why: 'it is not registered' }
          : { action, does: 'replace', why: `${wordsOf(found)}${crowded.has(action) ? gap : ''}` },
    ),
    ...remove
      .filter(({ action, reason }) => reason !== 'replaced' || !replaced.has(action))
      .map(({ action, reason }): Line => ({ action, does: 'remove', why: removals[reason] })),
    ...blocked.map(
      ({ action, others }): Line => ({
        action,
        does: 'blocked',
        why: `LiveChat takes no fourth; remove one of ${others.map(({ url }) => url).join(', ')}`,
      }),
    ),
    ...(enable ? [{ action: 'all', does: 'enable', why: "the license's webhooks are switched off" } as const] : []),
  ];
};

const removals = {
  replaced: 'another one has taken its place',
  duplicate: 'it is there twice',
  'not supported': 'the bridge does not understand it',
} as const;
