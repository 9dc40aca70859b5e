import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..');

const fences = /^([ \t]*)```(\w*)\n([\s\S]*?)^[ \t]*```$/gm;

export function readPage(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

/** A page without its code blocks. */
export function prose(page: string): string {
  return readPage(page).replaceAll(fences, '');
}

export interface CodeBlock {
  readonly language: string;
  readonly text: string;
}

/** The code blocks of a page, or of the given part of it. */
export function codeBlocks(page: string, text = readPage(page)): CodeBlock[] {
  return [...text.matchAll(fences)].map(([, indent = '', language = '', block = '']) => ({
    language,
    text: indent ? block.replaceAll(new RegExp(`^${indent}`, 'gm'), '') : block,
  }));
}

export interface Heading {
  readonly level: number;
  readonly text: string;
  /** The anchor that GitHub derives from the text. */
  readonly anchor: string;
}

export function headings(page: string): Heading[] {
  return [...prose(page).matchAll(/^(#+) (.+)$/gm)].map(([, marks = '', text = '']) => ({
    level: marks.length,
    text,
    anchor: text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  }));
}

/** The headings one level below the given one. */
export function headingsUnder(page: string, text: string): Heading[] {
  const all = headings(page);
  const from = all.findIndex((heading) => heading.text === text);
  const level = all[from]?.level ?? 0;
  const after = all.slice(from + 1);
  const end = after.findIndex((heading) => heading.level <= level);
  return after.slice(0, end < 0 ? undefined : end).filter((heading) => heading.level === level + 1);
}

/** The text under a heading, up to the next heading of any level. */
export function section(page: string, heading: string): string {
  const lines = readPage(page).split('\n');
  const from = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading);
  if (from < 0) throw new Error(`${page} has no heading "${heading}"`);
  const rest = lines.slice(from + 1);
  const end = rest.findIndex((line) => /^#{1,6} [A-Za-z0-9]/.test(line));
  return rest.slice(0, end < 0 ? undefined : end).join('\n');
}

/** The rows of all tables in a text, without their header, by cell. */
export function tableRows(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('|'));
  return lines
    .filter((line, index) => !/^\|[ |-]+$/.test(line) && !/^\|[ |-]+$/.test(lines[index + 1] ?? ''))
    .map((line) => line.slice(1, -1).split(/(?<!\\)\|/));
}

/** The sample of an event in the reference: the metadata of the first block, and the data of the event's section. */
export function eventSample(type: string): { readonly metadata: unknown; readonly data: unknown } {
  const page = 'docs/reference/events.md';
  const parse = ([block]: readonly CodeBlock[]) => JSON.parse(block?.text ?? 'null');
  return { metadata: parse(codeBlocks(page)).detail.metadata, data: parse(codeBlocks(page, section(page, type))) };
}
