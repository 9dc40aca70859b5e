import { CliError, UsageError } from './errors.ts';

/**
 * Goes on only with the consent of whoever sits at the terminal, or with --yes.
 * @throws UsageError where nobody can be asked; CliError where the answer is no
 */
export const confirm = async (question: string, { yes, json }: { yes: boolean; json: boolean }): Promise<void> => {
  if (yes) return;
  if (json || process.stdin.isTTY !== true || process.stderr.isTTY !== true) {
    throw new UsageError('Nobody can be asked here, so nothing was done: add --yes to go on without a question.');
  }
  const { confirm: ask } = await import('@clack/prompts');
  const noMoreKeys = new AbortController();
  // After Ctrl-D the question waits for keys that nothing will read: the process would end in the middle of it.
  const end = () => noMoreKeys.abort();
  process.once('beforeExit', end);
  const where = { output: process.stderr, signal: noMoreKeys.signal };
  const answer = await ask({ message: question, initialValue: false, withGuide: false, ...where });
  process.off('beforeExit', end);
  if (answer !== true) throw new CliError('Nothing was done.');
};
