import { useState } from 'preact/hooks';
import type { ApiResponses } from '../../api.ts';
import type { RulesDryRun } from '../../routing.ts';
import { call, get, useCommand } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import { count, shortTime } from '../parts/format.ts';
import { Badge, Card, Head, Loaded, NoOrganizations, Problem } from '../parts/ui.tsx';
import { describeEvaluation, describeRule } from './describe.ts';

type OrganizationRules = ApiResponses['/routing/rules']['rules'][number];

/** The active rules, and a dry run of changed rules. */
export function RoutingPage() {
  return (
    <>
      <Head title="Routing">
        <p>
          Each thread that a customer starts is routed once, by these rules. Each{' '}
          <a href={linkTo('conversations')}>conversation</a> shows its routing decisions.
        </p>
      </Head>
      <Loaded load={() => get('/routing/rules')}>
        {({ rules }) =>
          rules.length === 0 ? (
            <NoOrganizations />
          ) : (
            rules.map((organization) => <Organization key={organization.organizationId} rules={organization} />)
          )
        }
      </Loaded>
    </>
  );
}

function Organization({ rules: { organizationId, active, versions } }: { rules: OrganizationRules }) {
  const { rules, match } = active.ruleSet;
  return (
    <>
      <section class="card" aria-label={`Rules of ${organizationId}`}>
        <h2>{active.version === 0 ? 'The default rules are active' : `Version ${active.version} is active`}</h2>
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
                <span>{describeRule(rule)}</span>
                {rule.comment && <small>{rule.comment}</small>}
              </li>
            ))}
          </ol>
        )}
      </section>
      <DryRunCard organizationId={organizationId} activeJson={JSON.stringify(active.ruleSet, null, 2)} />
    </>
  );
}

function DryRunCard({ organizationId, activeJson }: { organizationId: string; activeJson: string }) {
  const [text, setText] = useState(activeJson);
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
        <button type="button" disabled={text === activeJson} onClick={() => setText(activeJson)}>
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
          {results.length === 0
            ? 'No recent conversation has a thread that a customer started.'
            : `${differing} of ${results.length} conversations would be routed differently.`}
        </b>
      </p>
      <ul class="results">
        {results
          .toSorted((a, b) => Number(b.differs) - Number(a.differs))
          .map(({ conversationId, startedAt, active, candidate, differs }) => (
            <li key={conversationId}>
              <p>
                <Badge tone={differs ? 'warn' : 'calm'}>{differs ? 'differs' : 'same'}</Badge>{' '}
                <a href={linkTo('conversations', conversationId, { organizationId })}>{conversationId}</a>{' '}
                <small>{shortTime(startedAt)}</small>
              </p>
              <p>
                Active: {describeEvaluation(active)}
                {differs && (
                  <>
                    <br />
                    Changed: {describeEvaluation(candidate)}
                  </>
                )}
              </p>
            </li>
          ))}
      </ul>
    </div>
  );
}
