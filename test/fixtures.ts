import { readdirSync, readFileSync } from 'node:fs';
import * as z from 'zod/mini';

const folder = new URL('./fixtures/livechat/', import.meta.url);

export type Body = Record<string, unknown>;

const json = z.record(z.string(), z.unknown());

/** A recorded webhook body, by file name. */
export function fixture(name: string): Body {
  return json.parse(JSON.parse(readFileSync(new URL(name, folder), 'utf8')));
}

const newChat = z.looseObject({ chat: z.looseObject({ thread: z.looseObject({}) }) });

/** Now, in LiveChat's format. */
export function liveChatTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}

/** A recorded `incoming_chat` whose thread has just begun: an older one is too late to be routed. */
export function startedNow(body: Body): Body {
  const { chat } = newChat.parse(body.payload);
  return { ...body, payload: { chat: { ...chat, thread: { ...chat.thread, created_at: liveChatTime() } } } };
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
