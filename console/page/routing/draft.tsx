import { structuredPatch } from 'diff';
import { useState } from 'preact/hooks';
import type { VersionedRules } from '../../../core/routing/store.ts';
import type { RulesDryRun } from '../../routing.ts';
import { call, useCommand } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import { count } from '../parts/format.ts';
import { Badge, Card, Confirmation, Problem, Time } from '../parts/ui.tsx';
import { describeEvaluation } from './describe.ts';

/** A draft that was evaluated, and its differences from the active rules. */
interface DryRun extends RulesDryRun {
  readonly ruleSet: unknown;
  readonly lines: readonly string[];
}

interface DraftProps {
  readonly organizationId: string;
  readonly active: VersionedRules;
  readonly nextVersion: number;
  readonly onApplied: () => void;
}

/** Edits the rules, shows what would change, and applies them. */
export function DraftCard({ organizationId, active, nextVersion, onApplied }: DraftProps) {
  const activeJson = toText(active.ruleSet);
  const [text, setText] = useState(activeJson);
  const [dryRun, setDryRun] = useState<DryRun>();
  const { problem, busy, run } = useCommand();
  // A dry run is of one text, so that nothing is applied that was not evaluated.
  const edit = (changed: string) => {
    setText(changed);
    setDryRun(undefined);
  };
  return (
    <Card title="Draft">
      <p>
        Edit the rules and evaluate them for the 50 latest conversations. A dry run changes nothing; apply the draft
        after it.
      </p>
      <label class="wide">
        Rules, as JSON
        <textarea rows={14} spellcheck={false} value={text} onInput={({ currentTarget: { value } }) => edit(value)} />
      </label>
      <p class="actions">
        <button
          type="button"
          class={dryRun ? '' : 'primary'}
          disabled={busy}
          onClick={() => run(evaluate(organizationId, text, activeJson), setDryRun)}
        >
          {busy ? 'Evaluating…' : 'Dry run'}
        </button>{' '}
        <button type="button" disabled={text === activeJson} onClick={() => edit(activeJson)}>
          Reset to the active rules
        </button>
      </p>
      <Problem text={problem} />
      {dryRun && (
        <>
          <Difference lines={dryRun.lines} />
          <Results {...dryRun} />
          {dryRun.lines.length > 0 && (
            <Apply dryRun={dryRun} nextVersion={nextVersion} replaces={active.version} onApplied={onApplied} />
          )}
        </>
      )}
    </Card>
  );
}

const toText = (ruleSet: unknown) => JSON.stringify(ruleSet, null, 2);

async function evaluate(organizationId: string, json: string, activeJson: string): Promise<DryRun> {
  let ruleSet: unknown;
  try {
    ruleSet = JSON.parse(json);
  } catch (cause) {
    throw new Error(`Invalid JSON: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
  const response = await call<RulesDryRun>('POST', '/api/routing/test', { organizationId, ruleSet, limit: 50 });
  return { ...response, ruleSet, lines: compareLines(activeJson, toText(ruleSet)) };
}

/** The changed lines, each after `+` or `-`, with three lines around them, and `…` where others are left out. */
function compareLines(before: string, after: string): readonly string[] {
  const { hunks } = structuredPatch('', '', `${before}\n`, `${after}\n`, '', '', { context: 3 });
  return hunks.flatMap(({ lines }, index) => (index === 0 ? lines : ['…', ...lines]));
}

function lineElement(line: string): 'ins' | 'del' | 'span' {
  if (line.startsWith('+')) return 'ins';
  return line.startsWith('-') ? 'del' : 'span';
}

function Difference({ lines }: { lines: readonly string[] }) {
  if (lines.length === 0) return <p role="status">The draft is identical to the active rules.</p>;
  return (
    <section aria-label="Changes of the draft">
      <h3>Changes</h3>
      <pre class="code diff">
        {lines.map((line, index) => {
          const Line = lineElement(line);
          return <Line key={index}>{line}</Line>;
        })}
      </pre>
    </section>
  );
}

function Results({ organizationId, results }: RulesDryRun) {
  const differing = results.filter(({ differs }) => differs).length;
  if (results.length === 0) return <p role="status">No recent conversation has a thread that a customer started.</p>;
  return (
    <section aria-label="Results of the dry run">
      <h3>Dry run</h3>
      <p role="status">
        {differing} of {count(results.length, 'conversation')} would be routed differently.
      </p>
      <table class="results">
        <thead>
          <tr>
            <th scope="col">Conversation</th>
            <th scope="col">Started</th>
            <th scope="col">Active rules</th>
            <th scope="col">Draft</th>
          </tr>
        </thead>
        <tbody>
          {results
            .toSorted((a, b) => Number(b.differs) - Number(a.differs))
            .map(({ conversationId, startedAt, active, candidate, differs }) => (
              <tr key={conversationId}>
                <td>
                  <a href={linkTo('conversations', conversationId, { organizationId })}>{conversationId}</a>
                </td>
                <td>
                  <Time at={startedAt} />
                </td>
                <td>{describeEvaluation(active)}</td>
                <td>
                  {differs ? (
                    <>
                      <Badge tone="warn">differs</Badge> {describeEvaluation(candidate)}
                    </>
                  ) : (
                    <Badge tone="calm">same</Badge>
                  )}
                </td>
              </tr>
            ))}
        </tbody>
      </table>
    </section>
  );
}

interface ApplyProps {
  readonly dryRun: DryRun;
  readonly nextVersion: number;
  /** The version that the draft was compared with. */
  readonly replaces: number;
  readonly onApplied: () => void;
}

function Apply({ dryRun: { organizationId, ruleSet }, nextVersion, replaces, onApplied }: ApplyProps) {
  const [confirming, setConfirming] = useState(false);
  const [comment, setComment] = useState('');
  const { problem, busy, run } = useCommand();
  const apply = () => {
    const body = { organizationId, ruleSet, replaces, ...(comment.trim() && { comment: comment.trim() }) };
    run(call('POST', '/api/routing/rules', body), onApplied);
  };
  return (
    <>
      {confirming ? (
        <Confirmation
          label="Apply"
          action={`Apply as version ${nextVersion}`}
          disabled={busy}
          onConfirm={apply}
          onCancel={() => setConfirming(false)}
        >
          <p>
            The draft replaces {replaces === 0 ? 'the default rules' : `version ${replaces}`} for threads that start
            from now on. Functions cache rules for one minute by default. Earlier versions remain stored.
          </p>
          <label>
            Comment (optional)
            <input
              maxLength={500}
              value={comment}
              placeholder="For example: night shift"
              onInput={({ currentTarget: { value } }) => setComment(value)}
            />
          </label>
        </Confirmation>
      ) : (
        <p class="actions">
          <button type="button" class="primary" onClick={() => setConfirming(true)}>
            Apply…
          </button>
        </p>
      )}
      <Problem text={problem} />
    </>
  );
}
