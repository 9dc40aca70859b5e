import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';

const folder = new URL('./fixtures/livechat/', import.meta.url);

export type Body = Record<string, unknown>;

const json = z.record(z.string(), z.unknown());

/** One body of the collection, by its file's name. */
export function fixture(name: string): Body {
  return json.parse(JSON.parse(readFileSync(new URL(name, folder), 'utf8')));
}

/** What the state machine hands to the send step in this version of its input, for a run that has waited. */
export function sendInput(version: number): Body {
  return json.parse(JSON.parse(readFileSync(new URL(`../send-input/v${version}.json`, folder), 'utf8')));
}

/** The names of the story's bodies, in the order in which LiveChat would send them. */
export function order(): string[] {
  return readFileSync(new URL('ORDER', folder), 'utf8').split('\n').filter(Boolean);
}
