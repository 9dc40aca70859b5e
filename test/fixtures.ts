import { readdirSync, readFileSync } from 'node:fs';
import * as z from 'zod/mini';

const folder = new URL('./fixtures/livechat/', import.meta.url);

export type Body = Record<string, unknown>;

const json = z.record(z.string(), z.unknown());

/** A recorded webhook body, by file name. */
export function fixture(name: string): Body {
  return json.parse(JSON.parse(readFileSync(new URL(name, folder), 'utf8')));
}

/** The versions of the send step's input. */
export function sendInputVersions(): number[] {
  return readdirSync(new URL('../send-input/', folder)).map((file) => Number(/^v(\d+)\.json$/.exec(file)?.[1]));
}

const stepInput = z.object({ request: json, turn: json });

/** The input of the send step in this version, of an execution that has waited. */
export function sendInput(version: number): z.infer<typeof stepInput> {
  return stepInput.parse(JSON.parse(readFileSync(new URL(`../send-input/v${version}.json`, folder), 'utf8')));
}

/** The file names of the recorded chat, in the order in which LiveChat sends them. */
export function order(): string[] {
  return readFileSync(new URL('ORDER', folder), 'utf8').split('\n').filter(Boolean);
}
