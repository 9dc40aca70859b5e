import { useState } from 'preact/hooks';
import type { Condition } from '../../../core/routing/conditions.ts';
import type { ThreadDryRun } from '../../../core/routing/dry-run.ts';
import type { Actions, PlannedAction, Target } from '../../../core/routing/rules.ts';
import type { ApiResponses } from '../../api.ts';
import type { RulesDryRun } from '../../routing.ts';
import { call, get, useCommand } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import { shortTime } from '../parts/time.ts';
import { Badge, Card, count, Empty, Head, Loaded, Problem } from '../parts/ui.tsx';

type OrganizationRules = ApiResponses['/routing/rules']['rules'][number];

/** The active rules, and a dry run of changed rules. */
export function RoutingPage() {
  return (
    <>
      <Head title="Routing">
        <p>
          These rules route each thread that a customer starts, once. Each{' '}
          <a href={linkTo('conversations')}>conversation</a> shows its routing decisions.
        </p>
      </Head>
      <Loaded load={() => get('/routing/rules')}>
        {({ rules }) =>
          rules.length === 0 ? (
            <Empty title="No organization yet">Rules appear with an organization's first conversation.</Empty>
          ) : (
            rules.map((organization) => <Organization key={organization.organizationId} rules={organization} />)
          )
        }
      </Loaded>
    </>
  );
}

function Organization({ rules: { organizationId, inForce, versions } }: { rules: OrganizationRules }) {
  const { rules, match } = inForce.ruleSet;
  return (
    <>
      <section class="card" aria-label={`Rules of ${organizationId}`}>
        <h2>{inForce.version === 0 ? 'The default rules are active' : `Version ${inForce.version} is active`}</h2>
        <p>
          <code>{organizationId}</code>;{' '}
          {match === 'first' ? 'the first matching rule applies' : 'all matching rules apply'}
          {versions.length > 0 && `; ${count(versions.length, 'stored version')}`}.
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
      <DryRunCard organizationId={organizationId} inForce={JSON.stringify(inForce.ruleSet, null, 2)} />
    </>
  );
}

function DryRunCard({ organizationId, inForce }: { organizationId: string; inForce: string }) {
  const [text, setText] = useState(inForce);
  const [response, setResponse] = useState<RulesDryRun>();
  const { problem, busy, run } = useCommand();
  const evaluate = () => {
    setResponse(undefined);
    run(evaluateRules(organizationId, text), setResponse);
  };
  return (
    <Card title="Dry run">
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
        <button type="button" class="primary" disabled={busy} onClick={evaluate}>
          {busy ? 'Evaluating…' : 'Evaluate recent conversations'}
        </button>{' '}
        <button type="button" disabled={text === inForce} onClick={() => setText(inForce)}>
          Reset to the active rules
        </button>
      </p>
      <Problem text={problem} />
      {response && <DryRunResults {...response} />}
    </Card>
  );
}

async function evaluateRules(organizationId: string, json: string): Promise<RulesDryRun> {
  let ruleSet: unknown;
  try {
    ruleSet = JSON.parse(json);
  } catch (cause) {
    throw new Error(`Invalid JSON: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
  return call('POST', '/api/routing/test', { organizationId, ruleSet, limit: 50 });
}

function DryRunResults({ organizationId, results }: RulesDryRun) {
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
                <a href={linkTo('conversations', conversationId, { organizationId })}>{conversationId}</a>{' '}
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

function describeOutcome({ actions, evaluated }: ThreadDryRun['inForce']): string {
  const planned = actions.map((action) => `${describeAction(action)} (${action.rule})`);
  const waits = evaluated.flatMap(({ rule, result }) =>
    result === 'waits' ? [`“${rule}” waits for the customer's first message`] : [],
  );
  return [...planned, ...waits].join('; ') || "assigned by LiveChat's own routing";
}

/** A condition as text, such as `country is US or CA`. */
function describeCondition(condition: Condition | undefined): string {
  if (condition === undefined) return 'any chat starts';
  if ('all' in condition) return condition.all.map(describeNested).join(' and ') || 'any chat starts';
  if ('any' in condition) return condition.any.map(describeNested).join(' or ') || 'never';
  if ('not' in condition) return `not (${describeCondition(condition.not)})`;
  const { fact, ...operators } = condition;
  const [name = '', operand] = Object.entries(operators).find(([, value]) => value !== undefined) ?? [];
  return `${fact} ${operatorText[name] ?? name} ${Array.isArray(operand) ? operand.join(' or ') : String(operand)}`;
}

function describeNested(condition: Condition): string {
  const text = describeCondition(condition);
  return 'all' in condition || 'any' in condition ? `(${text})` : text;
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

function describeActions({ transfer, tag, priority, note, answer }: Actions): string[] {
  return [
    ...(transfer ? [`assign to ${transfer.map(describeTarget).join(', else ')}`] : []),
    ...(tag ? [`tag ${tag.join(', ')}`] : []),
    ...(priority ? [`priority ${priority}`] : []),
    ...(note ? [`note “${note}”`] : []),
    ...(answer ? [`answer “${answer}”`] : []),
  ];
}

function describeAction(planned: PlannedAction): string {
  const { rule: _, action, ...rest } = planned;
  const [operand] = Object.values(rest);
  return `${action} ${typeof operand === 'object' ? describeValues(operand) : (operand ?? '')}`.trim();
}

function describeValues(value: object): string {
  return Object.values(value)
    .map((item) => (typeof item === 'object' && item !== null ? describeValues(item) : String(item)))
    .join(', ');
}
