import type { Decision } from '../../../core/routing/rules.ts';
import { fullTime } from '../parts/time.ts';
import { Badge, type Tone } from '../parts/ui.tsx';

const outcomeTones: Readonly<Record<Decision['actions'][number]['outcome'], Tone>> = {
  done: 'good',
  'not needed': 'calm',
  failed: 'bad',
  skipped: 'calm',
};

const resultTones = { matched: 'good', 'not matched': 'calm', waits: 'warn' } as const;

/** A routing decision of a thread, with its reasons. */
export function DecisionView({ decision }: { decision: Decision }) {
  const { decidedAt, phase, rulesVersion, evaluated, actions, assignedTo, unassignedReason } = decision;
  const to = assignedTo?.agent ?? (assignedTo?.group === undefined ? undefined : `group ${assignedTo.group}`);
  return (
    <section class="decision">
      <p>
        <b>
          {to
            ? `Assigned to ${to}`
            : `Assigned by LiveChat's own routing${unassignedReason ? `: ${unassignedReason}` : ''}`}
        </b>
        , {fullTime(decidedAt)},{' '}
        {phase === 'start' ? 'at the start of the thread' : "with the customer's first message"}, by{' '}
        {rulesVersion === 0 ? 'the default rules' : `version ${rulesVersion} of the rules`}.
      </p>
      <ul class="evaluated">
        {evaluated.map(({ rule, result, reasons }) => (
          <li key={rule}>
            <Badge tone={resultTones[result]}>{result}</Badge> <b>{rule}</b>
            <ul>
              {reasons.map(({ path, fact, operator, result: outcome }) => (
                <li key={path}>
                  <code>{fact}</code> {operator}: {String(outcome)}
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
      {actions.length > 0 && (
        <ul class="evaluated">
          {actions.map(({ rule, action, outcome, error, tag, agent, group, priority }, index) => (
            <li key={index}>
              <Badge tone={outcomeTones[outcome]}>{outcome}</Badge> {action}{' '}
              {tag ?? agent ?? (group === undefined ? priority : `to group ${group}`) ?? ''} <small>by {rule}</small>
              {error && <p class="bad">{error.message}</p>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
