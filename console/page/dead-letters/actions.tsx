import pLimit from 'p-limit';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { RedriveDryRun } from '../../operations.ts';
import { call, useCommand } from '../app/api.ts';
import { Confirmation, Problem } from '../parts/ui.tsx';

/** Redrives run one after the other, so that the messages of a conversation keep their order. */
const concurrency = { redrive: 1, dismiss: 4 };

interface Progress {
  readonly total: number;
  readonly done: number;
  readonly failures: readonly string[];
}

/** Posts to each dead letter. A failure does not stop the others. */
async function postAll(
  ids: readonly string[],
  action: keyof typeof concurrency,
  body: (id: string) => object | undefined,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const limit = pLimit(concurrency[action]);
  const failures: string[] = [];
  let done = 0;
  const post = async (id: string) => {
    const path = `/api/dead-letters/${encodeURIComponent(id)}/${action}`;
    await call('POST', path, body(id)).catch(({ message }: Error) => failures.push(message));
    done += 1;
    onProgress({ total: ids.length, done, failures: [...failures] });
  };
  await Promise.all(ids.map((id) => limit(post, id)));
}

interface ActionsProps {
  readonly ids: readonly string[];
  /** Whether a redrive is possible at all. */
  readonly redrivable?: boolean;
  readonly onDone: () => void;
}

/** Redrives the selection after a dry run, or dismisses it with a reason. Shows the progress. */
export function Actions({ ids, redrivable = true, onDone }: ActionsProps) {
  const [dryRun, setDryRun] = useState<RedriveDryRun>();
  const [dismissing, setDismissing] = useState(false);
  const [progress, setProgress] = useState<Progress>();
  const { problem, run } = useCommand();

  const close = () => {
    setDryRun(undefined);
    setDismissing(false);
  };
  const start = (
    chosen: readonly string[],
    action: keyof typeof concurrency,
    body: (id: string) => object | undefined,
  ) => {
    close();
    setProgress({ total: chosen.length, done: 0, failures: [] });
    run(postAll(chosen, action, body, setProgress), onDone);
  };
  const startDryRun = () => {
    setProgress(undefined);
    run(call<RedriveDryRun>('POST', '/api/dead-letters/redrive', { ids, dryRun: true }), setDryRun);
  };
  const startDismissal = () => {
    setProgress(undefined);
    setDismissing(true);
  };
  const number = ids.length > 1 ? ` ${ids.length}` : '';

  return (
    <div class="redrive">
      {dryRun ? (
        <RedrivePlan
          dryRun={dryRun}
          onRedrive={(chosen, forced) =>
            start(chosen, 'redrive', (id) => (forced.has(id) ? { force: true } : undefined))
          }
          onCancel={close}
        />
      ) : dismissing && ids.length > 0 ? (
        <DismissForm
          total={ids.length}
          onDismiss={(reason) => start(ids, 'dismiss', () => ({ reason }))}
          onCancel={close}
        />
      ) : (
        <>
          {redrivable && (
            <button type="button" class="primary" disabled={ids.length === 0} onClick={startDryRun}>
              Redrive{number}…
            </button>
          )}
          <button type="button" disabled={ids.length === 0} onClick={startDismissal}>
            Dismiss{number}…
          </button>
        </>
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

/** Dead letters by the result of a dry run, and a text for each distinct reason. */
function summarizeDryRun({ deadLetters }: RedriveDryRun) {
  const withoutObstacle = deadLetters.filter(({ reason }) => reason === undefined);
  return {
    possible: withoutObstacle.map(({ id }) => id),
    likelyToFail: new Set(withoutObstacle.filter(({ warning }) => warning !== undefined).map(({ id }) => id)),
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

interface RedrivePlanProps {
  readonly dryRun: RedriveDryRun;
  /** `forced` are redriven although they may fail again. */
  readonly onRedrive: (ids: readonly string[], forced: ReadonlySet<string>) => void;
  readonly onCancel: () => void;
}

function RedrivePlan({ dryRun, onRedrive, onCancel }: RedrivePlanProps) {
  const [force, setForce] = useState(false);
  const { possible, likelyToFail, reasons } = summarizeDryRun(dryRun);
  const chosen = force ? possible : possible.filter((id) => !likelyToFail.has(id));
  return (
    <section class="plan" aria-label="Dry run">
      <p>
        <b>Dry run:</b> {chosen.length} would be redriven.
      </p>
      {reasons.map((text) => (
        <p key={text}>{text}</p>
      ))}
      {likelyToFail.size > 0 && (
        <label>
          <input type="checkbox" checked={force} onChange={({ currentTarget: { checked } }) => setForce(checked)} />{' '}
          Also redrive the {likelyToFail.size} that would probably fail again
        </label>
      )}
      <button
        type="button"
        class="primary"
        disabled={chosen.length === 0}
        onClick={() => onRedrive(chosen, likelyToFail)}
      >
        Redrive {chosen.length} now
      </button>{' '}
      <button type="button" onClick={onCancel}>
        Cancel
      </button>
    </section>
  );
}

interface DismissFormProps {
  readonly total: number;
  readonly onDismiss: (reason: string) => void;
  readonly onCancel: () => void;
}

function DismissForm({ total, onDismiss, onCancel }: DismissFormProps) {
  const [reason, setReason] = useState('');
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.focus(), []);
  return (
    <Confirmation
      label="Dismiss"
      action={`Dismiss ${total} now`}
      disabled={reason.trim() === ''}
      onConfirm={() => onDismiss(reason)}
      onCancel={onCancel}
    >
      <p>
        Dismissing sends nothing. {total === 1 ? 'The dead letter is' : `The ${total} dead letters are`} kept with the
        reason, and can no longer be redriven.
      </p>
      <label>
        Reason{' '}
        <input
          required
          maxLength={500}
          value={reason}
          placeholder="For example: answered by phone"
          ref={input}
          onInput={({ currentTarget: { value } }) => setReason(value)}
        />
      </label>
    </Confirmation>
  );
}
