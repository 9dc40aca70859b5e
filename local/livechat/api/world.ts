import type { Cdn } from '../cdn.ts';
import type { Author, Chat } from '../chats.ts';
import type { CallLog } from '../control/calls.ts';
import type { Source } from '../ids.ts';
import type { SettingsStore } from '../settings.ts';
import type { Simulator } from '../simulator.ts';
import type { Joins } from './joins.ts';
import type { Registrations } from './registrations.ts';
import type { Uploads } from './uploads.ts';
import type { Version } from './version.ts';

/** What the methods of the APIs work on. */
export interface World {
  readonly simulator: Simulator;
  readonly source: Source;
  readonly settings: SettingsStore;
  readonly uploads: Uploads;
  readonly cdn: Cdn;
  readonly joins: Joins;
  readonly registrations: Registrations;
  readonly calls: CallLog;
  /** The calling application: what it sends is shown as coming from it. */
  readonly clientId: string;
}

/** One method of an API, from the parsed JSON to the answer. @throws LiveChatError, SimulatorError */
export type Method = (body: unknown, world: World, version: Version) => object;

export const requesterOf = ({ settings, clientId }: World): Author => ({
  id: settings.current().agentId,
  clientId,
});

/** Writes down the events that a call put at the end of the chat's newest thread. */
export const noteArrivals = (world: World, method: string, chat: Chat, count: number): void => {
  const { id, events } = chat.thread;
  for (const event of events.slice(events.length - count)) world.calls.arrived(method, chat.id, id, event);
};
