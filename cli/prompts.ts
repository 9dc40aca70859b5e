import { clearLine, cursorTo } from 'node:readline';
import { CliError, UsageError } from './errors.ts';
import { printStatus } from './output.ts';

/**
 * Asks for confirmation on the terminal, unless --yes is given.
 *
 * @throws UsageError if there is no terminal; CliError if the answer is not yes
 */
export const confirm = async (question: string, { yes, json }: { yes?: boolean; json?: boolean }): Promise<void> => {
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

const refreshMs = 1000;
const barWidth = 30;

const formatBar = (label: string, done: number, steps: number): string => {
  const filled = Math.round((barWidth * Math.min(done, steps)) / Math.max(1, steps));
  return `${label} ${done}/${steps} ${'━'.repeat(filled)}${'─'.repeat(barWidth - filled)}`;
};

/** Runs `work`. If it takes longer than a second, shows a line at the bottom of the terminal, updated every second. */
const withLine = async <Result>(
  line: () => string,
  work: (say: (message: string) => void) => Promise<Result>,
): Promise<Result> => {
  let shown = false;
  const clear = () => {
    if (!shown) return;
    shown = false;
    cursorTo(process.stderr, 0);
    clearLine(process.stderr, 0);
  };
  const timer = setInterval(() => {
    clear();
    shown = true;
    // A longer line would wrap, and clearing removes one line.
    process.stderr.write(line().slice(0, (process.stderr.columns || 80) - 1));
  }, refreshMs);
  try {
    return await work((message) => {
      clear();
      printStatus(message);
    });
  } finally {
    clearInterval(timer);
    clear();
  }
};

/**
 * Runs `work`. If it takes longer than a second and stderr is a terminal, shows a progress bar on stderr, updated every
 * second. `steps` is how often `work` calls `step`.
 */
export const withProgress = async <Result>(
  label: string,
  steps: number,
  work: (progress: Progress) => Promise<Result>,
): Promise<Result> => {
  if (process.stderr.isTTY !== true) return work({ step() {}, say: printStatus });
  let done = 0;
  const step = () => {
    done += 1;
  };
  return withLine(
    () => formatBar(label, done, steps),
    (say) => work({ step, say }),
  );
};

export interface Activity {
  /** Replaces the line that shows the current state. */
  show(line: string): void;
  /** Shows a message that stays. */
  say(line: string): void;
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** Runs `work`. If it takes longer than a second and stderr is a terminal, shows the label there meanwhile. */
export const withSpinner = async <Result>(label: string, work: () => Promise<Result>): Promise<Result> => {
  if (process.stderr.isTTY !== true) return work();
  let frame = 0;
  return withLine(() => `${frames[frame++ % frames.length]} ${label}`, work);
};

/** The least time between two lines without a terminal. */
const minPrintMs = 5_000;

/** As {@link withProgress}, for work whose number of steps is unknown. Without a terminal, a line now and then says where it is. */
export const withActivity = async <Result>(work: (activity: Activity) => Promise<Result>): Promise<Result> => {
  let current = 'Starting';
  let frame = 0;
  let printedAt = Number.NEGATIVE_INFINITY;
  const print = (line: string) => {
    if (line === current || Date.now() - printedAt < minPrintMs) return;
    [current, printedAt] = [line, Date.now()];
    printStatus(line);
  };
  if (process.stderr.isTTY !== true) return work({ show: print, say: printStatus });
  const show = (line: string) => {
    current = line;
  };
  return withLine(
    () => `${frames[frame++ % frames.length]} ${current}`,
    (say) => work({ show, say }),
  );
};
