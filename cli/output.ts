import { stripVTControlCharacters } from 'node:util';
import pc from 'picocolors';

// picocolors also uses colours if CI is set.
const coloursFor = ({ isTTY }: { isTTY?: boolean }) => pc.createColors(isTTY === true && !process.env.NO_COLOR);

export const colours = coloursFor(process.stdout);
const errorColours = coloursFor(process.stderr);

export const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

export const printJson = (value: unknown): void => print(JSON.stringify(value));

export const printError = (message: string): void => {
  process.stderr.write(`${errorColours.red('error:')} ${message}\n`);
};

/** Removes control characters except line feeds, so that stored text cannot control the terminal. */
export const printable = (text: string): string =>
  stripVTControlCharacters(text.replaceAll('\t', ' ')).replaceAll(/[^\P{Cc}\n]/gu, '');

/** In columns; Infinity if stdout is not a terminal. */
export const terminalWidth = (): number =>
  process.stdout.isTTY && process.stdout.columns > 0 ? process.stdout.columns : Number.POSITIVE_INFINITY;

/** Prints to stderr, so that it does not mix with output that is piped. */
export const printStatus = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** Prints the first `limit` of the found items: as a JSON field called `name`, or with `printItems`. */
export const printPage = <Item>(
  name: string,
  found: readonly Item[],
  { limit, json }: { limit: number; json?: boolean },
  printItems: (items: readonly Item[]) => void,
): void => {
  const items = found.slice(0, limit);
  const more = found.length > limit;
  if (json) {
    printJson({ ok: true, [name]: items, more });
    return;
  }
  printItems(items);
  if (more) print(colours.dim('There are more: raise --limit.'));
};
