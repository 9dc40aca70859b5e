import { useState } from 'preact/hooks';
import type { RedrivePlan } from '../../responses.ts';
import { CallFailed, call } from '../app/api.ts';

const atOnce = 4;

interface Progress {
  readonly of: number;
  readonly done: number;
  readonly refused: readonly string[];
}

/** Redrives one after the other, a few at a time; one that is refused does not keep the others back. */
async function redriveAll(ids: readonly string[], tell: (progress: Progress) => void): Promise<void> {
  const waiting = [...ids];
  const refused: string[] = [];
  let done = 0;
  const work = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      await call('POST', `/api/dead-letters/${encodeURIComponent(id)}/redrive`).catch((error: unknown) => {
        refused.push(error instanceof CallFailed ? error.message : String(error));
      });
      done += 1;
      tell({ of: ids.length, done, refused: [...refused] });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

interface RedriveProps {
  readonly ids: readonly string[];
  /** Whether the button stays, without effect, while there is nothing to redrive. */
  readonly stays?: boolean;
  readonly onDone: () => void;
}

/** A dry run first: what would be redriven, and what cannot be. Then it is done, with progress. */
export function Redrive({ ids, stays = false, onDone }: RedriveProps) {
  const [plan, setPlan] = useState<RedrivePlan>();
  const [progress, setProgress] = useState<Progress>();
  const [problem, setProblem] = useState('');
  const possible = plan?.letters.filter(({ refused }) => refused === undefined).map(({ id }) => id) ?? [];
  const impossible = plan?.letters.filter(({ refused }) => refused !== undefined) ?? [];

  const look = () => {
    setProblem('');
    setProgress(undefined);
    call<RedrivePlan>('POST', '/api/dead-letters/redrive', { ids, dryRun: true }).then(setPlan, ({ message }: Error) =>
      setProblem(message),
    );
  };
  const begin = () => {
    setPlan(undefined);
    setProgress({ of: possible.length, done: 0, refused: [] });
    redriveAll(possible, setProgress).then(onDone, ({ message }: Error) => setProblem(message));
  };

  return (
    <div class="redrive">
      {!plan && (stays || ids.length > 0) && (
        <button type="button" class="primary" disabled={ids.length === 0} onClick={look}>
          Redrive{ids.length > 1 ? ` ${ids.length}` : ''}…
        </button>
      )}
      {plan && (
        <section class="plan" aria-label="Dry run">
          <p>
            <b>Dry run:</b> {possible.length} would be sent again
            {impossible.length > 0 && `, ${impossible.length} cannot be: ${impossible[0]?.refused}`}.
          </p>
          <button type="button" class="primary" disabled={possible.length === 0} onClick={begin}>
            Redrive {possible.length} now
          </button>{' '}
          <button type="button" onClick={() => setPlan(undefined)}>
            Cancel
          </button>
        </section>
      )}
      {progress && (
        <p class="progress" role="status">
          <progress max={progress.of} value={progress.done} aria-label="Redriven" />
          {progress.done} of {progress.of} redriven
          {progress.refused.length > 0 && `; ${progress.refused.length} refused: ${progress.refused[0]}`}
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
      <Redrive ids={ids} stays onDone={onDone} />
    </div>
  );
}
