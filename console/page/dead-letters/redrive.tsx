import { useState } from 'preact/hooks';
import type { RedriveDryRun } from '../../responses.ts';
import { CallFailed, call } from '../app/api.ts';

const concurrency = 4;

interface Progress {
  readonly of: number;
  readonly done: number;
  readonly failures: readonly string[];
}

/** Redrives a few at a time; a failure does not stop the others. */
async function redriveAll(ids: readonly string[], onProgress: (progress: Progress) => void): Promise<void> {
  const waiting = [...ids];
  const failures: string[] = [];
  let done = 0;
  const work = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      await call('POST', `/api/dead-letters/${encodeURIComponent(id)}/redrive`).catch((error: unknown) => {
        failures.push(error instanceof CallFailed ? error.message : String(error));
      });
      done += 1;
      onProgress({ of: ids.length, done, failures: [...failures] });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

interface RedriveProps {
  readonly ids: readonly string[];
  /** Shows a disabled button while nothing is selected. */
  readonly alwaysVisible?: boolean;
  readonly onDone: () => void;
}

/** Shows a dry run of the selection, then redrives it with progress. */
export function Redrive({ ids, alwaysVisible = false, onDone }: RedriveProps) {
  const [dryRun, setDryRun] = useState<RedriveDryRun>();
  const [progress, setProgress] = useState<Progress>();
  const [problem, setProblem] = useState('');
  const redrivable = dryRun?.deadLetters.filter(({ reason }) => reason === undefined).map(({ id }) => id) ?? [];
  const notRedrivable = dryRun?.deadLetters.filter(({ reason }) => reason !== undefined) ?? [];

  const startDryRun = () => {
    setProblem('');
    setProgress(undefined);
    call<RedriveDryRun>('POST', '/api/dead-letters/redrive', { ids, dryRun: true }).then(
      setDryRun,
      ({ message }: Error) => setProblem(message),
    );
  };
  const start = () => {
    setDryRun(undefined);
    setProgress({ of: redrivable.length, done: 0, failures: [] });
    redriveAll(redrivable, setProgress).then(onDone, ({ message }: Error) => setProblem(message));
  };

  return (
    <div class="redrive">
      {!dryRun && (alwaysVisible || ids.length > 0) && (
        <button type="button" class="primary" disabled={ids.length === 0} onClick={startDryRun}>
          Redrive{ids.length > 1 ? ` ${ids.length}` : ''}…
        </button>
      )}
      {dryRun && (
        <section class="plan" aria-label="Dry run">
          <p>
            <b>Dry run:</b> {redrivable.length} would be redriven
            {notRedrivable.length > 0 && `, ${notRedrivable.length} cannot be redriven: ${notRedrivable[0]?.reason}`}.
          </p>
          <button type="button" class="primary" disabled={redrivable.length === 0} onClick={start}>
            Redrive {redrivable.length} now
          </button>{' '}
          <button type="button" onClick={() => setDryRun(undefined)}>
            Cancel
          </button>
        </section>
      )}
      {progress && (
        <p class="progress" role="status">
          <progress max={progress.of} value={progress.done} aria-label="Redriven" />
          {progress.done} of {progress.of} redriven
          {progress.failures.length > 0 && `; ${progress.failures.length} failed: ${progress.failures[0]}`}
        </p>
      )}
      {problem && (
        <p class="bad" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

interface BarProps extends RedriveProps {
  readonly all: number;
  readonly onAll: () => void;
}

export function RedriveBar({ ids, all, onAll, onDone }: BarProps) {
  return (
    <div class="selection">
      <label>
        <input type="checkbox" checked={ids.length > 0 && ids.length === all} onChange={onAll} /> Select all {all}
      </label>
      <Redrive ids={ids} alwaysVisible onDone={onDone} />
    </div>
  );
}
