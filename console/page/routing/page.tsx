import { useState } from 'preact/hooks';
import type { Condition } from '../../../core/routing/conditions.ts';
import type { Actions, PlannedAction, Target } from '../../../core/routing/rules.ts';
import type { DryRunResponse, RulesResponse } from '../../responses.ts';
import { call, get, useResource } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import { shortTime } from '../parts/time.ts';
import { Badge, Empty, Loaded } from '../parts/ui.tsx';

/** The active rules, and a dry run of changed rules. */
export function RoutingPage() {
  const loaded = useResource('rules', () => get('/routing/rules'));
  return (
    <>
      <div class="head">
        <h1>Routing</h1>
        <p>
          These rules route each thread that a customer starts, once. Each{' '}
          <a href={linkTo('conversations')}>conversation</a> shows its routing decisions.
        </p>
      </div>
      <Loaded from={loaded}>
        {({ rules }) =>
          rules.length === 0 ? (
            <Empty title="No organization yet">Rules appear with an organization's first conversation.</Empty>
          ) : (
            rules.map((one) => <Organization key={one.organizationId} rules={one} />)
          )
        }
      </Loaded>
    </>
  );
}

type OrganizationRules = RulesResponse['rules'][number];

function Organization({ rules: { organizationId, inForce, versions } }: { rules: OrganizationRules }) {
  const { rules, match } = inForce.rules;
  return (
    <>
      <section class="card" aria-label={`Rules of ${organizationId}`}>
        <h2>{inForce.version === 0 ? 'The default rules are active' : `Version ${inForce.version} is active`}</h2>
        <p>
          <code>{organizationId}</code>;{' '}
          {match === 'first' ? 'the first matching rule applies' : 'all matching rules apply'}
          {versions.length > 0 && `; ${versions.length} stored ${versions.length === 1 ? 'version' : 'versions'}`}.
        </p>
        {rules.length === 0 ? (
          <p class="hint">No rules: LiveChat's own routing assigns every chat.</p>
        ) : (
          <ol class="rules">
            {rules.map((rule) => (
              <li key={rule.name}>
                <b>{rule.name}</b>
                <span>
                  When {describeCondition(rule.when)}: {describeActions(rule.do).join('; ')}
                </span>
                {rule.comment && <small>{rule.comment}</small>}
              </li>
            ))}
          </ol>
        )}
      </section>
      <RulesDryRun organizationId={organizationId} inForce={JSON.stringify(inForce.rules, null, 2)} />
    </>
  );
}

function RulesDryRun({ organizationId, inForce }: { organizationId: string; inForce: string }) {
  const [text, setText] = useState(inForce);
  const [answer, setAnswer] = useState<DryRunResponse>();
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const run = () => {
    let rules: unknown;
    try {
      rules = JSON.parse(text);
    } catch (error) {
      setProblem(`Invalid JSON: ${error instanceof Error ? error.message : error}`);
      return;
    }
    setBusy(true);
    setProblem('');
    call<DryRunResponse>('POST', '/api/routing/test', { organizationId, rules, limit: 50 })
      .then(setAnswer, ({ message }: Error) => setProblem(message))
      .finally(() => setBusy(false));
  };
  return (
    <section class="card" aria-labelledby={`try-${organizationId}`}>
      <h2 id={`try-${organizationId}`}>Dry run</h2>
      <p>
        Edit the rules and evaluate them for the 50 latest conversations. This does not change the active rules; to
        apply rules, run <code>npx livechat routing apply</code>.
      </p>
      <label class="wide">
        Rules, as JSON
        <textarea
          rows={14}
          spellcheck={false}
          value={text}
          onInput={({ currentTarget: { value } }) => setText(value)}
        />
      </label>
      <p class="actions">
        <button type="button" class="primary" disabled={busy} onClick={run}>
          {busy ? 'Evaluating…' : 'Evaluate recent conversations'}
        </button>{' '}
        <button type="button" disabled={text === inForce} onClick={() => setText(inForce)}>
          Reset to the active rules
        </button>
      </p>
      {problem && (
        <p class="bad" role="alert">
          {problem}
        </p>
      )}
      {answer && <DryRunResults answer={answer} />}
    </section>
  );
}

function DryRunResults({ answer: { results } }: { answer: DryRunResponse }) {
  const differing = results.filter(({ differs }) => differs).length;
  return (
    <div role="status">
      <p>
        <b>
          {differing} of {results.length} conversations would be routed differently.
        </b>
        {results.length === 0 && ' Only threads that a customer started are routed.'}
      </p>
      <ul class="results">
        {results
          .toSorted((a, b) => Number(b.differs) - Number(a.differs))
          .map(({ conversationId, startedAt, inForce, candidate, differs }) => (
            <li key={conversationId}>
              <p>
                <Badge tone={differs ? 'warn' : 'calm'}>{differs ? 'differs' : 'same'}</Badge>{' '}
                <a href={linkTo('conversations', conversationId, { organizationId: '' })}>{conversationId}</a>{' '}
                <small>{shortTime(startedAt)}</small>
              </p>
              <p>
                Active: {describeOutcome(inForce)}
                {differs && (
                  <>
                    <br />
                    Changed: {describeOutcome(candidate)}
                  </>
                )}
              </p>
            </li>
          ))}
      </ul>
    </div>
  );
}

function describeOutcome({ actions, waitsFor }: DryRunResponse['results'][number]['inForce']): string {
  const done = actions.map((action) => `${describeAction(action)} (${action.rule})`);
  const waits = waitsFor === undefined ? [] : [`“${waitsFor}” waits for the customer's first message`];
  return [...done, ...waits].join('; ') || "assigned by LiveChat's own routing";
}

/** Routing rules as text. */

export function describeCondition(condition: Condition | undefined): string {
  if (condition === undefined) return 'any chat starts';
  if ('all' in condition) return condition.all.map(inner).join(' and ') || 'any chat starts';
  if ('any' in condition) return condition.any.map(inner).join(' or ') || 'never';
  if ('not' in condition) return `not (${describeCondition(condition.not)})`;
  const { fact, ...operators } = condition;
  const [name = '', operand] = Object.entries(operators).find(([, value]) => value !== undefined) ?? [];
  return `${fact} ${operatorText[name] ?? name} ${Array.isArray(operand) ? operand.join(' or ') : String(operand)}`;
}

function inner(condition: Condition): string {
  const words = describeCondition(condition);
  return 'all' in condition || 'any' in condition ? `(${words})` : words;
}

const operatorText: Readonly<Record<string, string>> = {
  startsWith: 'starts with',
  endsWith: 'ends with',
  words: 'contains the words',
  atLeast: 'is at least',
  below: 'is below',
  exists: 'exists:',
};

function describeTarget(target: Target): string {
  if ('agent' in target) return target.agent;
  return `group ${target.group}${target.queue ? ', or its queue' : ''}`;
}

export function describeActions({ transfer, tag, priority, note, answer }: Actions): string[] {
  return [
    ...(transfer ? [`assign to ${transfer.map(describeTarget).join(', else ')}`] : []),
    ...(tag ? [`tag ${tag.join(', ')}`] : []),
    ...(priority ? [`priority ${priority}`] : []),
    ...(note ? [`note “${note}”`] : []),
    ...(answer ? [`answer “${answer}”`] : []),
  ];
}

export function describeAction(step: PlannedAction): string {
  const { rule: _, action, ...rest } = step;
  const [what] = Object.values(rest);
  return `${action} ${typeof what === 'object' ? describeValues(what) : (what ?? '')}`.trim();
}

function describeValues(value: object): string {
  return Object.values(value)
    .map((one) => (typeof one === 'object' && one !== null ? describeValues(one) : String(one)))
    .join(', ');
}
