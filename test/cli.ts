import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const shim = fileURLToPath(new URL('../cli/livechat.js', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly ended: Promise<Ran>;
  /** What it has printed so far, to both. */
  printed(): string;
  kill(signal: NodeJS.Signals): void;
}

/** Starts the command line as a user does, without a terminal. */
export function startLivechat(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(process.execPath, [shim, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => {
    out.stdout += data;
  });
  child.stderr.on('data', (data) => {
    out.stderr += data;
  });
  const ended = new Promise<Ran>((resolve, reject) => {
    child.on('error', reject).on('close', (code) => resolve({ code, ...out }));
  });
  return { ended, printed: () => out.stdout + out.stderr, kill: (signal) => void child.kill(signal) };
}

export const livechat = (...args: string[]): Promise<Ran> => startLivechat(args).ended;

/** The command line on a bridge; `json` adds --json and gives what was printed, parsed. */
export function cliFor({ aws }: { aws: string }) {
  const environment = { AWS_ENDPOINT_URL: aws };
  return {
    run: (...args: string[]): Promise<Ran> => startLivechat(args, environment).ended,
    start: (...args: string[]): Running => startLivechat(args, environment),
    async json(...args: string[]): Promise<unknown> {
      const { code, stdout, stderr } = await startLivechat([...args, '--json'], environment).ended;
      if (code !== 0) throw new Error(`livechat ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
      return JSON.parse(stdout);
    },
  };
}
