import type { Decision } from '../../../core/routing/rules.ts';
import { fullTime } from '../parts/format.ts';
import { Badge, type Tone } from '../parts/ui.tsx';

const outcomeTones: Readonly<Record<Decision['actions'][number]['outcome'], Tone>> = {
  done: 'good',
  'not needed': 'calm',
  failed: 'bad',
  skipped: 'calm',
};

const results = {
  matched: { text: 'matched', tone: 'good' },
  'not matched': { text: 'not matched', tone: 'calm' },
  waits: { text: 'waiting', tone: 'warn' },
} as const;

const truthText = { true: 'holds', false: 'does not hold', unknown: 'not known yet' } as const;

/** A routing decision of a thread, with its reasons. */
export function DecisionView({ decision }: { decision: Decision }) {
  const { decidedAt, phase, rulesVersion, evaluated, actions } = decision;
  return (
    <section class="decision">
      <p>
        <b>{describeAssignment(decision)}</b>, {fullTime(decidedAt)},{' '}
        {phase === 'start' ? 'at the start of the thread' : "with the customer's first message"}, by{' '}
        {rulesVersion === 0 ? 'the default rules' : `version ${rulesVersion} of the rules`}.
      </p>
      <ul class="evaluated">
        {evaluated.map(({ rule, result, reasons }) => (
          <li key={rule}>
            <Badge tone={results[result].tone}>{results[result].text}</Badge> <b>{rule}</b>
            <ul>
              {reasons.map(({ path, fact, operator, result: truth }) => (
                <li key={path}>
                  <code>{operator}</code> test on <code>{fact}</code>: {truthText[`${truth}`]}
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
      {actions.length > 0 && (
        <ul class="evaluated">
          {actions.map(({ rule, action, outcome, error, tag, priority, ...target }, index) => (
            <li key={index}>
              <Badge tone={outcomeTones[outcome]}>{outcome}</Badge> {action} {tag ?? priority ?? describeTarget(target)}{' '}
              <small>by {rule}</small>
              {error && <p class="bad">{error.message}</p>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function describeAssignment({ assignedTo, unassignedReason }: Decision): string {
  if (assignedTo) return `Assigned ${describeTarget(assignedTo)}`;
  if (unassignedReason === 'already assigned') return 'Already assigned at the start of the thread';
  return `Not assigned by rules (${unassignedReason})`;
}

function describeTarget({ agent, group }: NonNullable<Decision['assignedTo']>): string {
  const name = agent ?? (group === undefined ? undefined : `group ${group}`);
  return name === undefined ? '' : `to ${name}`;
}
