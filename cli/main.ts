import { exitCodes } from './errors.ts';
import { createProgram } from './program.ts';
import { endingOf, report } from './report.ts';

const program = await createProgram();

try {
  await program.parseAsync();
} catch (error) {
  const ending = endingOf(error);
  // A mistake of ours: its stack is worth more than a phrase.
  if (ending === undefined) throw error;
  report(ending, process.argv.includes('--json'));
  if (ending.exitCode !== exitCodes.success) process.exitCode = ending.exitCode;
}
