import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { spawn } from '@lydell/node-pty';

const shim = fileURLToPath(new URL('../cli/livechat.js', import.meta.url));

export interface TerminalSession {
  /** The output so far, without control characters. */
  shown(): string;
  type(keys: string): void;
  /** The exit code. */
  readonly ended: Promise<number>;
}

/** Starts the command line in a pseudo-terminal. */
export function startInTerminal(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): TerminalSession {
  const terminal = spawn(process.execPath, [shim, ...args], { cols: 160, env: { ...process.env, ...environment } });
  const ended = Promise.withResolvers<number>();
  let output = '';
  terminal.onData((data) => {
    output += data;
  });
  terminal.onExit(({ exitCode }) => ended.resolve(exitCode));
  return {
    shown: () => stripVTControlCharacters(output),
    type: (keys) => terminal.write(keys),
    ended: ended.promise,
  };
}
