import { note } from './output.ts';

/** Something that takes several steps. */
export interface Progress {
  /** One more step is done. */
  step(): void;
  /** Tells what goes on just now, beside the output. */
  say(line: string): void;
}

const shownAfterMs = 1000;

/**
 * Runs `work` and, once it has taken a second, shows a bar for it: on a terminal only, and beside the output. `steps` is
 * how often `work` calls `step`.
 */
export const withProgress = async <Result>(
  label: string,
  steps: number,
  work: (progress: Progress) => Promise<Result>,
): Promise<Result> => {
  if (process.stderr.isTTY !== true) return work({ step() {}, say: note });
  // On demand: most commands need none, and each must start fast.
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
        else note(line);
      },
    });
  } finally {
    clearTimeout(timer);
    bar?.clear();
  }
};
