import * as z from 'zod/mini';
import { parseJson } from '../../../core/platform/json.ts';
import { allThreads, type Chat } from '../chats.ts';
import { validationError } from '../errors.ts';
import { nonEmpty, oneOf, type Thread, type User } from '../objects.ts';
import { type ApiState, method, readChats, requireThread, type Version } from './method.ts';

/** Chats in the format of each API version. */

const formatUser = (user: User, version: Version) => {
  if (version === 'v3.6' || user.type === 'agent') return user;
  const { visit: last_visit, ...rest } = user;
  return { ...rest, last_visit };
};

const formatThread = (thread: Thread, version: Version) => {
  if (version === 'v3.6') return thread;
  const { customer_visit: _, ...rest } = thread;
  return rest;
};

const formatChat = ({ id, users, properties, access }: Chat, version: Version) => ({
  id,
  users: users.map((user) => formatUser(user, version)),
  properties,
  access,
  is_followed: false,
});

const formatSummary = (chat: Chat, active: boolean, version: Version) => {
  const { events: _, next_thread_id: __, customer_visit: ___, ...last_thread_summary } = chat.thread;
  // The last of the chat, which can be in an earlier thread.
  const lastEvents = allThreads(chat).flatMap(({ id: thread_id, created_at: thread_created_at, events }) =>
    events.map((event) => [event.type, { thread_id, thread_created_at, event }] as const),
  );
  return {
    ...formatChat(chat, version),
    last_event_per_type: Object.fromEntries(lastEvents),
    last_thread_summary: { ...last_thread_summary, active },
  };
};

const id = nonEmpty();
const limit = z.int('a number').check(z.gte(1, 'from 1 to 100'), z.lte(100, 'from 1 to 100'));
const time = z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text)), 'a time'));

const listRequest = z.object({
  page_id: z.optional(id),
  sort_order: z.optional(oneOf(['asc', 'desc'])),
  limit: z.optional(limit),
  filters: z.optional(
    z.object({
      from: z.optional(time),
      to: z.optional(time),
      /** v3.6. null lists active and inactive chats. */
      active: z.optional(z.nullable(z.boolean())),
      /** Before v3.6. */
      include_active: z.optional(z.boolean()),
      group_ids: z.optional(z.array(z.int()).check(z.maxLength(200, 'at most 200'))),
    }),
  ),
});

type ListRequest = z.infer<typeof listRequest>;
type Filters = NonNullable<ListRequest['filters']>;

/** A page id encodes the whole query, so that it is used without other parameters. */
const page = z.extend(listRequest, { limit, offset: z.int().check(z.gte(0)) });

/** @throws LiveChatError if `page_id` is invalid or comes with other parameters */
const toPage = ({ page_id, ...query }: ListRequest, defaultLimit: number): z.infer<typeof page> => {
  if (page_id === undefined) return { ...query, limit: query.limit ?? defaultLimit, offset: 0 };
  if (Object.keys(query).length > 0) throw validationError('`page_id` cannot be used with other parameters');
  const parsed = page.safeParse(parseJson(Buffer.from(page_id, 'base64url').toString()));
  if (!parsed.success) throw validationError('`page_id` is invalid');
  return parsed.data;
};

/** One page of the list as it is now, with the ids of the next and previous pages. @param all oldest first */
const paginate = <Item>(all: readonly Item[], query: z.infer<typeof page>) => {
  const { offset: start, limit, sort_order } = query;
  const pageAt = (from: number) => Buffer.from(JSON.stringify({ ...query, offset: from })).toString('base64url');
  return {
    items: (sort_order === 'asc' ? all : all.toReversed()).slice(start, start + limit),
    pages: {
      ...(start + limit < all.length && { next_page_id: pageAt(start + limit) }),
      ...(start > 0 && { previous_page_id: pageAt(Math.max(0, start - limit)) }),
    },
  };
};

const isWithin = (at: string, { from = at, to = at }: Filters): boolean =>
  Date.parse(from) <= Date.parse(at) && Date.parse(at) <= Date.parse(to);

const isInGroups = ({ access }: Chat | Thread, { group_ids }: Filters): boolean =>
  group_ids === undefined || access.group_ids.some((id) => group_ids.includes(id));

/** Sorts by LiveChat's timestamps, which have one format, then by id. */
const sortByTime = <Item>(items: readonly Item[], time: (item: Item) => string, id: (item: Item) => string): Item[] => {
  const key = (item: Item) => `${time(item)} ${id(item)}`;
  return items.toSorted((one, other) => (key(one) < key(other) ? -1 : 1));
};

const isListedActive = ({ thread, closedAt }: Chat, { settings, source }: ApiState): boolean =>
  thread.active || source.now() < (closedAt[thread.id] ?? 0) + settings.current().activeListDelayMs;

const matchesActivity = (active: boolean, filters: Filters, version: Version): boolean =>
  version === 'v3.6' ? active === (filters.active ?? active) : filters.include_active !== false || !active;

interface ArchivedThread {
  readonly chat: Chat;
  readonly thread: Thread;
}

const archivedThreads = ({ simulator, settings, source }: ApiState): ArchivedThread[] => {
  const closedUntil = source.now() - settings.current().archiveDelayMs;
  return simulator
    .chats()
    .flatMap((chat) => allThreads(chat).map((thread) => ({ chat, thread })))
    .filter(({ chat, thread }) => (chat.closedAt[thread.id] ?? Number.POSITIVE_INFINITY) <= closedUntil);
};

const lastActivity = ({ events, created_at }: Thread): string => events.at(-1)?.created_at ?? created_at;

/** Users are not present in the latest thread of a chat. An earlier thread lists the current users of the chat. */
const formatArchived = ({ chat, thread }: ArchivedThread, withEvents: boolean, version: Version) => {
  const users = chat.users.map((user) => ({ ...user, present: user.present && thread !== chat.thread }));
  const { events, ...rest } = formatThread(thread, version);
  return { ...formatChat({ ...chat, users }, version), thread: withEvents ? { ...rest, events } : rest };
};

/** The methods of the Agent Chat API (v3.4 to v3.6) that read chats. */
export const readMethods = {
  get_chat: method(
    readChats,
    z.object({ chat_id: id, thread_id: z.optional(id) }),
    ({ chat_id, thread_id }, { simulator }, version) => {
      const chat = simulator.chat(chat_id);
      const thread = thread_id === undefined ? chat.thread : requireThread(allThreads(chat), thread_id);
      return { ...formatChat(chat, version), thread: formatThread(thread, version) };
    },
  ),

  list_threads: method(
    readChats,
    z.extend(listRequest, { chat_id: id }),
    ({ chat_id, ...request }, { simulator }, version) => {
      const query = toPage(request, 3);
      const { filters = {} } = query;
      const found = allThreads(simulator.chat(chat_id)).filter(({ created_at }) => isWithin(created_at, filters));
      const { items, pages } = paginate(found, query);
      return { threads: items.map((thread) => formatThread(thread, version)), found_threads: found.length, ...pages };
    },
  ),

  list_chats: method(readChats, listRequest, (request, state, version) => {
    const query = toPage(request, 10);
    const { filters = {} } = query;
    const chats = state.simulator
      .chats()
      .filter((chat) => isInGroups(chat, filters))
      .map((chat) => ({ chat, active: isListedActive(chat, state) }))
      .filter(({ active }) => matchesActivity(active, filters, version));
    const found = sortByTime(
      chats,
      ({ chat }) => chat.thread.created_at,
      ({ chat }) => chat.id,
    );
    const { items, pages } = paginate(found, query);
    const chats_summary = items.map(({ chat, active }) => formatSummary(chat, active, version));
    return { chats_summary, found_chats: found.length, ...pages };
  }),

  list_archives: method(readChats, listRequest, (request, state, version) => {
    const query = toPage(request, 10);
    const { filters = {} } = query;
    const { archiveTime, archiveEvents } = state.settings.current();
    const time = ({ thread }: ArchivedThread) => (archiveTime === 'created' ? thread.created_at : lastActivity(thread));
    const archived = archivedThreads(state).filter(
      (entry) => isWithin(time(entry), filters) && isInGroups(entry.thread, filters),
    );
    const found = sortByTime(archived, time, ({ thread }) => thread.id);
    const { items, pages } = paginate(found, query);
    const chats = items.map((entry) => formatArchived(entry, archiveEvents, version));
    return { chats, found_chats: found.length, ...pages };
  }),
};
