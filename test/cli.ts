import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import type * as z from 'zod/mini';
import { failure, outputs } from '../cli/output-schema.ts';

const shim = fileURLToPath(new URL('../cli/livechat.js', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliProcess {
  readonly ended: Promise<CliResult>;
  /** stdout and stderr so far. */
  printed(): string;
  kill(signal: NodeJS.Signals): void;
  /** Stops reading stdout, as `head` does. */
  closeOutput(): void;
}

/** The arguments that precede a command. */
const globalOptions = /^(--json|--stage( \S+)?) /;

/** @throws Error if the output of --json does not match its schema in cli/output-schema.ts */
function checkOutput(args: readonly string[], stdout: string): void {
  if (!args.includes('--json') || args.includes('--help') || args.includes('--text')) return;
  const line = `${args.join(' ').replace(globalOptions, '')} `;
  const command = Object.entries<z.ZodMiniType>(outputs).find(([path]) => line.startsWith(`${path} `));
  if (!command) return;
  const [path, schema] = command;
  for (const text of stdout.split('\n').filter(Boolean)) {
    const output: unknown = JSON.parse(text);
    const matches = [schema, failure].some((one) => isDeepStrictEqual(one.safeParse(output).data, output));
    if (matches) continue;
    const issues = JSON.stringify(schema.safeParse(output).error?.issues ?? 'a field is not in the schema');
    throw new Error(`${path} --json does not match cli/output-schema.ts: ${issues}: ${text}`);
  }
}

/** Splits a command line into arguments, as a shell does. */
export const splitArguments = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, word]) => double ?? single ?? word ?? '');

/** Starts the CLI without a terminal. `input` is what it can read from stdin. */
export function startLivechat(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  input = '',
): CliProcess {
  const child = spawn(process.execPath, [shim, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A command that does not read its input may end before.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const out = { stdout: '', stderr: '' };
  let closed = false;
  child.stdout.on('data', (data) => {
    out.stdout += data;
  });
  child.stderr.on('data', (data) => {
    out.stderr += data;
  });
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.on('error', reject).on('close', (code) => {
      try {
        if (!closed) checkOutput(args, out.stdout);
        resolve({ code, ...out });
      } catch (error) {
        reject(error);
      }
    });
  });
  return {
    ended,
    printed: () => out.stdout + out.stderr,
    kill: (signal) => void child.kill(signal),
    closeOutput: () => {
      closed = true;
      child.stdout.destroy();
    },
  };
}

export const livechat = (...args: string[]): Promise<CliResult> => startLivechat(args).ended;

/** Runs the CLI on a bridge. `json` adds --json and returns the parsed output. */
export function cliFor({ aws }: { aws: string }, more: Readonly<Record<string, string>> = {}) {
  const environment = { AWS_ENDPOINT_URL: aws, ...more };
  return {
    run: (...args: string[]): Promise<CliResult> => startLivechat(args, environment).ended,
    runWithInput: (input: string, ...args: string[]): Promise<CliResult> =>
      startLivechat(args, environment, input).ended,
    start: (...args: string[]): CliProcess => startLivechat(args, environment),
    async json(...args: string[]): Promise<unknown> {
      const { code, stdout, stderr } = await startLivechat([...args, '--json'], environment).ended;
      if (code !== 0) throw new Error(`livechat ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
      return JSON.parse(stdout);
    },
  };
}
