import * as z from 'zod/mini';
import { invalidField } from './errors.ts';
import type { fileContent, preChatForm } from './events.ts';

/**
 * The schemas that the simulator's API and LiveChat's APIs share. Every message is a noun phrase: the simulator's API
 * returns it as `expected`, LiveChat's APIs return "`field` must be …".
 */

export const string = z.string('a string');

export const nonEmpty = (what = 'a non-empty string') => z.string(what).check(z.minLength(1, what));

export const oneOf = <const Values extends readonly string[]>(values: Values) =>
  z.enum(values, `one of ${values.join(', ')}`);

export const integer = (what: string, min: number) => z.int(what).check(z.gte(min, what));

export const milliseconds = integer('milliseconds, 0 or more', 0);

export const httpUrl = (what: string) => z.string(what).check(z.url({ protocol: /^https?$/, error: what }));

const agentIdFormat = "an agent's e-mail address, or a bot's id of 32 hex digits";

export const agentId = z.string(agentIdFormat).check(z.regex(/^(\S+@\S+|[0-9a-f]{32})$/, agentIdFormat));

export const groupId = integer('a group id, 0 or more', 0);

/** LiveChat's limit on the text of a message. */
const maxTextBytes = 16 * 1024;

export const messageText = nonEmpty().check(
  z.refine((value) => Buffer.byteLength(value) <= maxTextBytes, 'at most 16 KB'),
);

/** The two errors with which LiveChat rejects a call for a closed chat. Both were observed. */
export const inactiveForm = oneOf(['chat_inactive', 'validation']);

/** The fields of a button. `user_ids` lists the users who clicked it. */
export const buttonFields = {
  text: nonEmpty(),
  type: oneOf(['message', 'url', 'webview', 'phone']),
  value: string,
  postback_id: nonEmpty(),
  user_ids: z.array(string, 'a list of user ids'),
  webview_height: z.optional(oneOf(['compact', 'tall', 'full'])),
  target: z.optional(oneOf(['new', 'current'])),
};

export type Button = z.infer<z.ZodMiniObject<typeof buttonFields>>;

/** The fields of an element of a rich message. LiveChat allows 13 buttons. */
export const elementFields = (button: z.ZodMiniType<Button>) => ({
  title: z.optional(string),
  subtitle: z.optional(string),
  image: z.optional(z.looseObject({ url: nonEmpty() }, 'an object with url')),
  buttons: z.optional(z.array(button, 'a list of buttons').check(z.maxLength(13, 'at most 13 buttons'))),
});

export type RichElement = z.infer<z.ZodMiniObject<ReturnType<typeof elementFields>>>;

/** LiveChat allows 10 elements. */
export const elements = <ElementSchema extends z.ZodMiniType>(element: ElementSchema) =>
  z.array(element, 'a list of elements').check(z.minLength(1, '1 to 10 elements'), z.maxLength(10, '1 to 10 elements'));

/** Parses the body of a request to the simulator's own API. @throws SimulatorError that names the first invalid field */
export const parse = <Schema extends z.ZodMiniType>(schema: Schema, body: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    throw invalidField([...issue.path, issue.keys[0] ?? ''].join('.'), 'no such field');
  }
  throw invalidField(issue?.path.join('.') || 'body', issue?.message ?? 'a valid body');
};

/** LiveChat's objects (API v3.6), with the field names of LiveChat. Webhook payloads consist of these. */

export type Properties = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;

export type Visibility = 'all' | 'agents';

export type Customer = ReturnType<typeof createCustomer>;

export type Agent = ReturnType<typeof createAgent>;

export type User = Customer | Agent;

export type EventContent =
  | {
      readonly type: 'message';
      readonly text: string;
      readonly postback?: Readonly<Record<'id' | 'thread_id' | 'event_id' | 'type' | 'value', string>>;
    }
  | ReturnType<typeof fileContent>
  | { readonly type: 'rich_message'; readonly template_id: string; readonly elements: readonly RichElement[] }
  | ReturnType<typeof preChatForm>
  | {
      readonly type: 'system_message';
      readonly text: string;
      readonly system_message_type: string;
      readonly text_vars: Readonly<Record<string, string>>;
    }
  | { readonly type: 'custom'; readonly content: Readonly<Record<string, unknown>> }
  | { readonly type: string; readonly deleted: true };

export type ChatEvent = EventContent & {
  readonly id: string;
  readonly created_at: string;
  readonly visibility: Visibility;
  /** Absent for system messages. */
  readonly author_id?: string | undefined;
  readonly custom_id?: string | undefined;
  readonly properties?: Properties | undefined;
};

export interface Access {
  readonly group_ids: readonly number[];
}

export interface Thread {
  readonly id: string;
  readonly active: boolean;
  readonly created_at: string;
  readonly user_ids: readonly string[];
  readonly events: readonly ChatEvent[];
  readonly properties: Properties;
  readonly access: Access;
  readonly previous_thread_id?: string;
  readonly next_thread_id?: string;
  readonly tags?: readonly string[];
  readonly queue?: ReturnType<typeof queueEntry>;
  readonly customer_visit?: Readonly<Record<string, unknown>>;
}

/** A place in the queue. The estimated wait is 30 seconds for each chat up to this one. */
export const queueEntry = (position: number, queuedAt: string) => ({
  position,
  wait_time: 30 * position,
  queued_at: queuedAt,
});

/** LiveChat's timestamp for "never". */
const neverSeen = '1970-01-01T01:00:00.000000Z';

/** The visit during which a thread was created. */
export const customerVisit = {
  ip: '203.0.113.24',
  user_agent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36',
  geolocation: {
    country: 'Poland',
    country_code: 'PL',
    region: 'Dolnoslaskie',
    city: 'Wroclaw',
    timezone: 'Europe/Warsaw',
    latitude: '51.1043',
    longitude: '17.0335',
  },
};

export interface NewCustomer {
  readonly id: string;
  readonly name: string;
  readonly email?: string | undefined;
  readonly sessionFields: readonly Record<string, string>[];
}

export const createCustomer = ({ id, name, email, sessionFields }: NewCustomer, createdAt: string) => ({
  id,
  type: 'customer' as const,
  name,
  email,
  email_verified: false,
  present: true,
  created_at: createdAt,
  events_seen_up_to: createdAt,
  visit: {
    started_at: createdAt,
    ...customerVisit,
    last_pages: [{ opened_at: createdAt, url: 'https://shop.example/cart', title: 'Cart' }],
  },
  session_fields: sessionFields,
  statistics: {
    chats_count: 1,
    threads_count: 1,
    visits_count: 1,
    page_views_count: 1,
    greetings_shown_count: 0,
    greetings_accepted_count: 0,
    tickets_count: 0,
  },
});

const isBot = (id: string): boolean => !id.includes('@');

const capitalize = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Derives "Nina Kowal" from `nina.kowal@acme.example`. A bot's name is made of the first digits of its id. */
const agentName = (id: string): string => {
  if (isBot(id)) return `Bot ${id.slice(0, 6)}`;
  const [local = id] = id.split('@');
  return local
    .split(/[._-]+/)
    .map(capitalize)
    .join(' ');
};

/** A human agent, whose id is an e-mail address, or a bot, whose id is 32 hex digits. */
export const createAgent = (id: string, visibility: Visibility = 'all') => ({
  id,
  type: 'agent' as const,
  name: agentName(id),
  ...(!isBot(id) && { email: id }),
  present: true,
  events_seen_up_to: neverSeen,
  avatar: `cdn.livechat-files.com/api/file/lc/avatars/${id.split('@')[0]}.png`,
  visibility,
});

const widgetClientId = 'c5e4f61e1a6c3b1521b541bc5c5a2ac5';
const agentAppClientId = 'bb9e5b2f1ab480e4a715977b7b1b4279';

export const widgetSource = { client_id: widgetClientId, customer_client_id: widgetClientId };

/** The client id of the application a user writes with: the widget, LiveChat's agent app or, for a bot, ours. */
export const sourceClientId = (user: User, ownClientId: string): string => {
  if (user.type === 'customer') return widgetClientId;
  return isBot(user.id) ? ownClientId : agentAppClientId;
};

/** Generates ids and times. */
export type IdSource = ReturnType<typeof createIdSource>;

const idsPerMillisecond = 36;

/** @param now returns milliseconds since 1970 */
export const createIdSource = (now: () => number) => {
  let last = 0;
  /** A chat or thread id: `T` and nine base-36 digits that increase with time. */
  const nextId = (): string => {
    // 36 ids a millisecond fit into nine digits until 2059. Above that rate the ids run ahead of the clock.
    last = Math.max(last + 1, now() * idsPerMillisecond);
    return `T${last.toString(36).toUpperCase().padStart(9, '0')}`;
  };
  return { now, nextId };
};

/** RFC 3339 in UTC with microseconds, the format of LiveChat. */
export const toTimestamp = (microseconds: number): string => {
  const milliseconds = Math.floor(microseconds / 1000);
  const rest = String(microseconds % 1000).padStart(3, '0');
  return new Date(milliseconds).toISOString().replace('Z', `${rest}Z`);
};
