import type { Examination, Finding } from './finding.ts';
import { found } from './finding.ts';

/** Runs every examination; one that cannot be made is a fault itself. */
export async function examine(examinations: readonly Examination[], onDone: () => void): Promise<Finding[]> {
  const findings = await Promise.all(
    examinations.map(async ({ about, run }) => {
      const all = await run().catch((error: unknown) => [unexaminable(about, error)]);
      onDone();
      return all;
    }),
  );
  return findings.flat();
}

function unexaminable(about: string, error: unknown): Finding {
  const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return found(about).fault(`it cannot be examined (${why})`, 'Check your own AWS credentials and permissions.');
}
