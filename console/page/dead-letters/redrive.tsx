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

/** Redrives a few at a time; a failure does not stop the others. */
async function redriveAll(ids: readonly string[], onProgress: (progress: Progress) => void): Promise<void> {
  const limit = pLimit(concurrency);
  const failures: string[] = [];
  let done = 0;
  const redrive = async (id: string) => {
    const path = `/api/dead-letters/${encodeURIComponent(id)}/redrive`;
    await call('POST', path).catch(({ message }: Error) => failures.push(message));
    done += 1;
    onProgress({ total: ids.length, done, failures: [...failures] });
  };
  await Promise.all(ids.map((id) => limit(redrive, id)));
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
  const redrivable = dryRun?.deadLetters.filter(({ reason }) => reason === undefined).map(({ id }) => id) ?? [];
  const notRedrivable = dryRun?.deadLetters.filter(({ reason }) => reason !== undefined) ?? [];

  const startDryRun = () => {
    setProgress(undefined);
    run(call<RedriveDryRun>('POST', '/api/dead-letters/redrive', { ids, dryRun: true }), setDryRun);
  };
  const start = () => {
    setDryRun(undefined);
    setProgress({ total: redrivable.length, done: 0, failures: [] });
    run(redriveAll(redrivable, setProgress), onDone);
  };

  return (
    <div class="redrive">
      {dryRun ? (
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
      ) : (
        <button type="button" class="primary" disabled={ids.length === 0} onClick={startDryRun}>
          Redrive{ids.length > 1 ? ` ${ids.length}` : ''}…
        </button>
      )}
      {progress && (
        <p class="progress" role="status">
          <progress max={progress.total} value={progress.done} aria-label="Redriven" />
          {progress.done} of {progress.total} redriven
          {progress.failures.length > 0 && `; ${progress.failures.length} failed: ${progress.failures[0]}`}
        </p>
      )}
      <Problem text={problem} />
    </div>
  );
}
