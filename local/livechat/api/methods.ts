import { chatMethods } from './chats.ts';
import { eventMethods } from './events.ts';
import type { Method } from './method.ts';
import { webhookMethods } from './registrations.ts';

const apis: Readonly<Record<string, Readonly<Record<string, Method>>>> = {
  agent: { ...chatMethods, ...eventMethods },
  configuration: webhookMethods,
};

/** The methods by `<api>/<name>`. */
export const methods: ReadonlyMap<string, Method> = new Map(
  Object.entries(apis).flatMap(([api, table]) =>
    Object.entries(table).map(([name, method]) => [`${api}/${name}`, method] as const),
  ),
);

export const methodNames: readonly string[] = Object.values(apis).flatMap(Object.keys);
