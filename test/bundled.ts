import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

/**
 * A minimal Lambda environment: a separate process that loads one bundle, invokes its handler once with a JSON event, and
 * writes the result as JSON.
 */
const runtime = `
import { writeSync } from 'node:fs';
import { text } from 'node:stream/consumers';
const { file, event } = JSON.parse(await text(process.stdin));
const deadline = Date.now() + 60_000;
const context = {
  functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
  functionVersion: '$LATEST',
  awsRequestId: '00000000-0000-4000-8000-000000000000',
  memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  getRemainingTimeInMillis: () => deadline - Date.now(),
};
const answer = (outcome) => writeSync(3, JSON.stringify(outcome));
try {
  const { handler } = await import(file);
  answer({ result: (await handler(event, context)) ?? null });
} catch (error) {
  answer({ error: { name: error.name, message: error.message } });
}
process.exit(0);
`;

export interface Invoked {
  readonly result?: unknown;
  readonly error?: { readonly name: string; readonly message: string };
  /** The lines that it logged. */
  readonly log: readonly string[];
}

/** Loads a bundle in a new process with only this environment, and invokes it once. */
export async function invokeBundle(
  bundle: { readonly file: string; readonly name: string; readonly memoryMb: number },
  event: unknown,
  environment: Readonly<Record<string, string>>,
): Promise<Invoked> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', runtime], {
    // Outside the project, so that its packages are not resolved.
    cwd: '/',
    env: {
      ...environment,
      AWS_LAMBDA_FUNCTION_NAME: bundle.name,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(bundle.memoryMb),
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    },
    // The fourth pipe carries only the result.
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  const [stdin, stdout, stderr, answer] = child.stdio;
  if (!(answer instanceof Readable) || !stdin || !stdout || !stderr) throw new Error('no pipes');
  stdin.end(JSON.stringify({ file: bundle.file, event }));
  const read = Promise.all([text(stdout), text(stderr), text(answer), once(child, 'close')]);
  const [logged, failed, outcome] = await read;
  return { ...parsed(outcome, failed), log: `${logged}\n${failed}`.split('\n').filter(Boolean) };
}

function parsed(outcome: string, failed: string): Omit<Invoked, 'log'> {
  if (outcome === '') throw new Error(`the bundle did not answer: ${failed}`);
  return JSON.parse(outcome);
}
