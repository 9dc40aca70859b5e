import pLimit from 'p-limit';
import { useState } from 'preact/hooks';
import type { RedriveDryRun } from '../../operations.ts';
import { call, useCommand } from '../app/api.ts';
import { Problem } from '../parts/ui.tsx';

const concurrency = 4;

interface Progress {
  readonly total: number;
  readonly done: number;
  readonly failures: readonly string[];
}

/** Redrives a few at a time; a failure does not stop the others. `forced` are redriven although they may fail again. */
async function redriveAll(
  ids: readonly string[],
  forced: ReadonlySet<string>,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const limit = pLimit(concurrency);
  const failures: string[] = [];
  let done = 0;
  const redrive = async (id: string) => {
    const path = `/api/dead-letters/${encodeURIComponent(id)}/redrive`;
    await call('POST', path, forced.has(id) ? { force: true } : undefined).catch(({ message }: Error) =>
      failures.push(message),
    );
    done += 1;
    onProgress({ total: ids.length, done, failures: [...failures] });
  };
  await Promise.all(ids.map((id) => limit(redrive, id)));
}

/** Dead letters by the result of a dry run, and a text for each distinct reason. */
function summarizeDryRun({ deadLetters }: RedriveDryRun = { deadLetters: [] }) {
  const withoutObstacle = deadLetters.filter(({ reason }) => reason === undefined);
  return {
    redrivable: withoutObstacle.filter(({ warning }) => warning === undefined).map(({ id }) => id),
    likelyToFail: withoutObstacle.filter(({ warning }) => warning !== undefined).map(({ id }) => id),
    reasons: [
      ...countTexts(
        'cannot be redriven',
        deadLetters.flatMap(({ reason }) => reason ?? []),
      ),
      ...countTexts(
        'would probably fail again',
        withoutObstacle.flatMap(({ warning }) => warning ?? []),
      ),
    ],
  };
}

function countTexts(result: string, texts: readonly string[]): string[] {
  return [...Map.groupBy(texts, (text) => text)].map(([text, { length }]) => `${length} ${result}: ${text}`);
}

interface RedriveProps {
  readonly ids: readonly string[];
  readonly onDone: () => void;
}

/** Shows a dry run of the selection, then redrives it with progress. */
export function Redrive({ ids, onDone }: RedriveProps) {
  const [dryRun, setDryRun] = useState<RedriveDryRun>();
  const [progress, setProgress] = useState<Progress>();
  const { problem, run } = useCommand();
  const [force, setForce] = useState(false);
  const { redrivable, likelyToFail, reasons } = summarizeDryRun(dryRun);
  const chosen = force ? [...redrivable, ...likelyToFail] : redrivable;

  const startDryRun = () => {
    setProgress(undefined);
    setForce(false);
    run(call<RedriveDryRun>('POST', '/api/dead-letters/redrive', { ids, dryRun: true }), setDryRun);
  };
  const start = () => {
    setDryRun(undefined);
    setProgress({ total: chosen.length, done: 0, failures: [] });
    run(redriveAll(chosen, new Set(likelyToFail), setProgress), onDone);
  };

  return (
    <div class="redrive">
      {dryRun ? (
        <section class="plan" aria-label="Dry run">
          <p>
            <b>Dry run:</b> {chosen.length} would be redriven.
          </p>
          {reasons.map((text) => (
            <p key={text}>{text}</p>
          ))}
          {likelyToFail.length > 0 && (
            <label>
              <input type="checkbox" checked={force} onChange={({ currentTarget: { checked } }) => setForce(checked)} />{' '}
              Also redrive the {likelyToFail.length} that would probably fail again
            </label>
          )}
          <button type="button" class="primary" disabled={chosen.length === 0} onClick={start}>
            Redrive {chosen.length} now
          </button>{' '}
          <button type="button" onClick={() => setDryRun(undefined)}>
            Cancel
          </button>
        </section>
      ) : (
        <button type="button" class="primary" disabled={ids.length === 0} onClick={startDryRun}>
          Redrive{ids.length > 1 ? ` ${ids.length}` : ''}…
        </button>
      )}
      {progress && (
        <p class="progress" role="status">
          <progress max={progress.total} value={progress.done} aria-label="Processed" />
          {progress.done} of {progress.total} processed
          {progress.failures.length > 0 && `; ${progress.failures.length} failed: ${progress.failures[0]}`}
        </p>
      )}
      <Problem text={problem} />
    </div>
  );
}
