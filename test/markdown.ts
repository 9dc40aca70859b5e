import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** A file of the repository without its blocks of code. */
export function prose(file: string): string {
  return readFileSync(join(root, file), 'utf8').replaceAll(/^```[\s\S]*?^```$/gm, '');
}

export interface Heading {
  readonly level: number;
  readonly text: string;
  /** How it is linked to, as GitHub makes it of the text. */
  readonly anchor: string;
}

export function headingsOf(file: string): Heading[] {
  return [...prose(file).matchAll(/^(#+) (.+)$/gm)].map(([, marks = '', text = '']) => ({
    level: marks.length,
    text,
    anchor: text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  }));
}

/** The headings one level below this one. */
export function headingsUnder(file: string, text: string): Heading[] {
  const headings = headingsOf(file);
  const from = headings.findIndex((heading) => heading.text === text);
  const level = headings[from]?.level ?? 0;
  const after = headings.slice(from + 1);
  const end = after.findIndex((heading) => heading.level <= level);
  return after.slice(0, end < 0 ? undefined : end).filter((heading) => heading.level === level + 1);
}
