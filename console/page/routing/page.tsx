import { useState } from 'preact/hooks';
import type { DryRunAnswer, RulesAnswer } from '../../answers.ts';
import { Badge } from '../parts/badge.tsx';
import { Empty, Loaded } from '../parts/states.tsx';
import { shortTime } from '../parts/time.ts';
import { call, get } from '../shell/api.ts';
import { useResource } from '../shell/resource.ts';
import { linkTo } from '../shell/route.ts';
import { actionWords, conditionWords, doWords } from './words.ts';

/** The rules in force, and what others would have done. */
export function RoutingPage() {
  const loaded = useResource('rules', () => get('/routing/rules'));
  return (
    <>
      <div class="head">
        <h1>Routing</h1>
        <p>
          Each thread that a customer begins is routed once, by these rules. Why a chat went where it went is told in
          its <a href={linkTo('conversations')}>conversation</a>.
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

type OrganizationRules = RulesAnswer['rules'][number];

function Organization({ rules: { organizationId, inForce, versions } }: { rules: OrganizationRules }) {
  const { rules, match } = inForce.rules;
  return (
    <>
      <section class="card" aria-label={`Rules of ${organizationId}`}>
        <h2>{inForce.version === 0 ? 'The default rules are in force' : `Version ${inForce.version} is in force`}</h2>
        <p>
          <code>{organizationId}</code>;{' '}
          {match === 'first' ? 'the first rule that matches counts' : 'every rule that matches counts'}
          {versions.length > 0 && `; ${versions.length} stored ${versions.length === 1 ? 'version' : 'versions'}`}.
        </p>
        {rules.length === 0 ? (
          <p class="hint">There is no rule: every chat is left to LiveChat's own routing.</p>
        ) : (
          <ol class="rules">
            {rules.map((rule) => (
              <li key={rule.name}>
                <b>{rule.name}</b>
                <span>
                  When {conditionWords(rule.when)}: {doWords(rule.do).join('; ')}
                </span>
                {rule.comment && <small>{rule.comment}</small>}
              </li>
            ))}
          </ol>
        )}
      </section>
      <TryRules organizationId={organizationId} inForce={JSON.stringify(inForce.rules, null, 2)} />
    </>
  );
}

function TryRules({ organizationId, inForce }: { organizationId: string; inForce: string }) {
  const [text, setText] = useState(inForce);
  const [answer, setAnswer] = useState<DryRunAnswer>();
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const run = () => {
    let rules: unknown;
    try {
      rules = JSON.parse(text);
    } catch (error) {
      setProblem(`This is not JSON: ${error instanceof Error ? error.message : error}`);
      return;
    }
    setBusy(true);
    setProblem('');
    call<DryRunAnswer>('POST', '/api/routing/test', { organizationId, rules, limit: 50 })
      .then(setAnswer, ({ message }: Error) => setProblem(message))
      .finally(() => setBusy(false));
  };
  return (
    <section class="card" aria-labelledby={`try-${organizationId}`}>
      <h2 id={`try-${organizationId}`}>Try a changed rule</h2>
      <p>
        Change the rules here and hold them against the 50 latest conversations. Nothing is put in force by it; that is{' '}
        <code>npx livechat routing apply</code>.
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
          {busy ? 'Trying…' : 'Try against recent conversations'}
        </button>{' '}
        <button type="button" disabled={text === inForce} onClick={() => setText(inForce)}>
          Back to those in force
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

function DryRunResults({ answer: { results } }: { answer: DryRunAnswer }) {
  const differing = results.filter(({ differs }) => differs).length;
  return (
    <div role="status">
      <p>
        <b>
          {differing} of {results.length} conversations would have gone another way.
        </b>
        {results.length === 0 && ' Only threads that a customer began are routed.'}
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
                Now: {dryRunWords(inForce)}
                {differs && (
                  <>
                    <br />
                    Then: {dryRunWords(candidate)}
                  </>
                )}
              </p>
            </li>
          ))}
      </ul>
    </div>
  );
}

function dryRunWords({ actions, waitsFor }: DryRunAnswer['results'][number]['inForce']): string {
  const done = actions.map((action) => `${actionWords(action)} (${action.rule})`);
  const waits = waitsFor === undefined ? [] : [`“${waitsFor}” waits for the customer's first message`];
  return [...done, ...waits].join('; ') || "left to LiveChat's own routing";
}
