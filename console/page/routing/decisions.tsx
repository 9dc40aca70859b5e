import type { Decision } from '../../../core/routing/rules.ts';
import { Badge, type Tone } from '../parts/badge.tsx';
import { wholeTime } from '../parts/time.ts';

const toneOfOutcome: Readonly<Record<Decision['actions'][number]['outcome'], Tone>> = {
  done: 'good',
  'not needed': 'calm',
  failed: 'bad',
  skipped: 'calm',
};

const toneOfResult = { matched: 'good', 'not matched': 'calm', waits: 'warn' } as const;

/** What routing decided of a conversation's threads, and why. */
export function Decisions({ decisions }: { decisions: readonly Decision[] }) {
  return (
    <>
      {decisions.map((decision) => (
        <DecisionView key={`${decision.decidedAt}-${decision.phase}`} decision={decision} />
      ))}
    </>
  );
}

function DecisionView({ decision }: { decision: Decision }) {
  const { decidedAt, phase, rulesVersion, evaluated, actions, assignedTo, unassignedReason } = decision;
  const to = assignedTo?.agent ?? (assignedTo?.group === undefined ? undefined : `group ${assignedTo.group}`);
  return (
    <section class="decision">
      <p>
        <b>
          {to ? `Given to ${to}` : `Left to LiveChat's own routing${unassignedReason ? `: ${unassignedReason}` : ''}`}
        </b>
        , {wholeTime(decidedAt)}, {phase === 'start' ? 'as the thread began' : "with the customer's first message"}, by{' '}
        {rulesVersion === 0 ? 'the default rules' : `version ${rulesVersion} of the rules`}.
      </p>
      <ul class="evaluated">
        {evaluated.map(({ rule, result, reasons }) => (
          <li key={rule}>
            <Badge tone={toneOfResult[result]}>{result}</Badge> <b>{rule}</b>
            <ul>
              {reasons.map(({ path, fact, operator, result: truth }) => (
                <li key={path}>
                  <code>{fact}</code> {operator}:{' '}
                  {truth === 'unknown' ? 'not known yet' : truth ? 'holds' : 'does not hold'}
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
              <Badge tone={toneOfOutcome[outcome]}>{outcome}</Badge> {action}{' '}
              {tag ?? agent ?? (group === undefined ? priority : `to group ${group}`) ?? ''} <small>by {rule}</small>
              {error && <p class="bad">{error.message}</p>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
