import { CliError, UsageError } from './errors.ts';
import { printStatus } from './output.ts';

/**
 * Asks for confirmation on the terminal, unless --yes is given.
 *
 * @throws UsageError if there is no terminal; CliError if the answer is not yes
 */
export const confirm = async (question: string, { yes, json }: { yes: boolean; json: boolean }): Promise<void> => {
  if (yes) return;
  if (json || process.stdin.isTTY !== true || process.stderr.isTTY !== true) {
    throw new UsageError('Cannot ask for confirmation here. Nothing was changed: add --yes to skip the question.');
  }
  const { confirm: ask } = await import('@clack/prompts');
  const inputEnded = new AbortController();
  // After Ctrl-D the prompt waits for keys that never come, and the process would exit in the middle of it.
  const end = () => inputEnded.abort();
  process.once('beforeExit', end);
  const answer = await ask({
    message: question,
    initialValue: false,
    withGuide: false,
    output: process.stderr,
    signal: inputEnded.signal,
  });
  process.off('beforeExit', end);
  if (answer !== true) throw new CliError('Nothing was changed.');
};

export interface Progress {
  /** Counts one step as done. */
  step(): void;
  /** Shows what is happening, on stderr. */
  say(line: string): void;
}

const shownAfterMs = 1000;

/**
 * Runs `work`. Shows a progress bar on stderr if it takes longer than a second and stderr is a terminal. `steps` is how
 * often `work` calls `step`.
 */
export const withProgress = async <Result>(
  label: string,
  steps: number,
  work: (progress: Progress) => Promise<Result>,
): Promise<Result> => {
  if (process.stderr.isTTY !== true) return work({ step() {}, say: printStatus });
  // Loaded on demand, to keep the start of the other commands fast.
  const { progress } = await import('@clack/prompts');
  let done = 0;
  let bar: ReturnType<typeof progress> | undefined;
  const timer = setTimeout(() => {
    bar = progress({ max: Math.max(1, steps), size: 30, output: process.stderr, withGuide: false });
    bar.start(label);
    bar.advance(done, `${label} ${done}/${steps}`);
  }, shownAfterMs);
  try {
    return await work({
      step() {
        done += 1;
        bar?.advance(1, `${label} ${done}/${steps}`);
      },
      say(line) {
        if (bar) bar.message(line);
        else printStatus(line);
      },
    });
  } finally {
    clearTimeout(timer);
    bar?.clear();
  }
};
