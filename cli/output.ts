import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';
import pc from 'picocolors';

// picocolors also colours where CI is set; here only a terminal is coloured.
const coloured = process.stdout.isTTY === true && !process.env.NO_COLOR;

export const colours = pc.createColors(coloured);

const errorColours = pc.createColors(process.stderr.isTTY === true && !process.env.NO_COLOR);

export const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

export const printJson = (value: unknown): void => print(JSON.stringify(value));

export const printError = (message: string): void => {
  process.stderr.write(`${errorColours.red('error:')} ${message}\n`);
};

/** What others wrote must not steer the terminal: control characters go, save the line's end. */
export const printable = (text: string): string =>
  stripVTControlCharacters(text.replaceAll('\t', ' ')).replaceAll(/[^\P{Cc}\n]/gu, '');

/** For whoever waits at the terminal; not part of the output, so that it can be piped on. */
export const note = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const noLines = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'],
  ].map((place) => [place, '']),
);

/** Columns under their heads, without lines, so that it can be cut and sorted by other programs. */
export const printTable = (
  head: readonly string[],
  rows: readonly (readonly (string | number | undefined)[])[],
): void => {
  const table = new Table({
    head: head.map((name) => colours.bold(name)),
    chars: { ...noLines, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) table.push(row.map((cell) => cell ?? ''));
  for (const line of table.toString().split('\n')) print(line.trimEnd());
};
