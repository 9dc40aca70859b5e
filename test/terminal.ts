import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { spawn } from '@lydell/node-pty';

const shim = fileURLToPath(new URL('../cli/livechat.js', import.meta.url));

export interface TerminalSession {
  /** The output so far. */
  raw(): string;
  /** The output so far, without control characters and without the lines of progress that were cleared. */
  shown(): string;
  type(keys: string): void;
  /** The exit code. */
  readonly ended: Promise<number>;
}

export interface TerminalOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly columns?: number;
}

/** Starts the command line in a pseudo-terminal. */
export const startInTerminal = (args: readonly string[], options: TerminalOptions = {}): TerminalSession =>
  start(process.execPath, [shim, ...args], options);

/** Runs a line of bash in a pseudo-terminal, in which `livechat` is the command line. */
export const startShell = (line: string, options: TerminalOptions = {}): TerminalSession =>
  start('bash', ['--norc', '-c', `livechat() { "${process.execPath}" "${shim}" "$@"; }; ${line}`], options);

/** The control sequences of `cursorTo` and `clearLine` in node:readline. */
const clearLine = '\u001b[1G\u001b[2K';
const removeCleared = (output: string): string =>
  output
    .split('\n')
    .map((line) => line.split(clearLine).at(-1) ?? '')
    .join('\n');

function start(
  file: string,
  args: readonly string[],
  { environment = {}, columns = 160 }: TerminalOptions,
): TerminalSession {
  const terminal = spawn(file, [...args], { cols: columns, env: { ...process.env, ...environment } });
  const ended = Promise.withResolvers<number>();
  let output = '';
  terminal.onData((data) => {
    output += data;
  });
  terminal.onExit(({ exitCode }) => ended.resolve(exitCode));
  return {
    raw: () => output,
    shown: () => stripVTControlCharacters(removeCleared(output)),
    type: (keys) => terminal.write(keys),
    ended: ended.promise,
  };
}
