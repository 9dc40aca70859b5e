import stringWidth from 'fast-string-width';
import { wrapAnsi } from 'fast-wrap-ansi';
import { colours, print, terminalWidth } from './output.ts';

type Row = Readonly<Record<string, string | number | null | undefined>>;

interface Column {
  readonly name: string;
  readonly cells: readonly string[];
  readonly width: number;
  /** A column of texts may be narrower, down to this width. Ids, times and numbers are never broken. */
  readonly minWidth: number;
}

const gap = 2;
const minTextWidth = 12;

/**
 * Prints rows with the same fields: columns without lines, so that other programs can cut and sort them. On a terminal, texts
 * wrap to its width. If the columns do not fit even so, each row is printed as a block of lines.
 */
export const printTable = (rows: readonly Row[], ifEmpty = 'none'): void => {
  const [first] = rows;
  const lines = first
    ? formatTable(
        Object.keys(first).map((name) => toColumn(name, rows)),
        terminalWidth(),
      )
    : [ifEmpty];
  for (const line of lines) print(line);
};

export const toColumn = (name: string, rows: readonly Row[]): Column => {
  const cells = rows.map((row) => String(row[name] ?? '').replaceAll('\n', ' '));
  const width = cells.reduce((max, cell) => Math.max(max, stringWidth(cell)), stringWidth(name));
  const isText = cells.some((cell) => cell.includes(' '));
  return { name, cells, width, minWidth: isText ? Math.min(width, Math.max(stringWidth(name), minTextWidth)) : width };
};

export const formatTable = (columns: readonly Column[], maxWidth: number): readonly string[] => {
  const widths = fitWidths(columns, maxWidth - gap * (columns.length - 1));
  return widths ? formatColumns(columns, widths) : formatBlocks(columns, maxWidth);
};

/** Narrows the widest columns of texts. Returns undefined if the columns do not fit. */
const fitWidths = (columns: readonly Column[], available: number): readonly number[] | undefined => {
  const widths = columns.map(({ width }) => width);
  for (let excess = sum(widths) - available; excess > 0; excess -= 1) {
    const shrinkable = columns.map(({ minWidth }, index) =>
      (widths[index] ?? 0) > minWidth ? (widths[index] ?? 0) : 0,
    );
    const widest = Math.max(...shrinkable);
    if (widest === 0) return undefined;
    widths[shrinkable.indexOf(widest)] = widest - 1;
  }
  return widths;
};

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

const formatColumns = (columns: readonly Column[], widths: readonly number[]): readonly string[] => {
  const wrapped = columns.map(({ name, cells }, index) =>
    [colours.bold(name), ...cells].map((cell) => wrap(cell, widths[index] ?? 0).split('\n')),
  );
  return [...(wrapped[0]?.keys() ?? [])].flatMap((row) => {
    const height = Math.max(...wrapped.map((cells) => cells[row]?.length ?? 0));
    return Array.from({ length: height }, (_, line) =>
      wrapped
        .map((cells, index) => pad(cells[row]?.[line] ?? '', (widths[index] ?? 0) + gap))
        .join('')
        .trimEnd(),
    );
  });
};

const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - stringWidth(text)));

const formatBlocks = (columns: readonly Column[], maxWidth: number): readonly string[] => {
  const label = Math.max(...columns.map(({ name }) => stringWidth(name))) + gap;
  const formatField = ({ name, cells }: Column, row: number) =>
    wrap(cells[row] ?? '', maxWidth - label)
      .split('\n')
      .map((line, index) => `${colours.bold((index === 0 ? name : '').padEnd(label))}${line}`.trimEnd());
  return [...(columns[0]?.cells.keys() ?? [])].flatMap((row) => [
    ...(row > 0 ? [''] : []),
    ...columns.flatMap((column) => formatField(column, row)),
  ]);
};

const wrap = (text: string, width: number): string => wrapAnsi(text, width, { hard: true });
