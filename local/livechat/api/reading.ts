import * as z from 'zod/mini';
import { allThreads, type Chat } from '../chats.ts';
import type { Thread } from '../shapes.ts';
import { invalid } from './errors.ts';
import { fromPageId, offset, pageOf } from './paging.ts';
import { type getChatRequest, listChatsRequest, listThreadsRequest } from './requests.ts';
import { requireThread } from './requirements.ts';
import { showChat, showSummary, showThread } from './shown.ts';
import type { Version } from './version.ts';
import type { World } from './world.ts';

export const getChat = (request: z.infer<typeof getChatRequest>, { simulator }: World, version: Version) => {
  const chat = simulator.chat(request.chat_id);
  const thread = request.thread_id === undefined ? chat.thread : requireThread(allThreads(chat), request.thread_id);
  return showChat(chat, thread, version);
};

type ListThreads = z.infer<typeof listThreadsRequest>;

const begunWithin = ({ created_at }: Thread, filters: ListThreads['filters']): boolean => {
  const begun = Date.parse(created_at);
  const { from, to } = filters ?? {};
  return (from === undefined || begun >= Date.parse(from)) && (to === undefined || begun <= Date.parse(to));
};

const threadsPage = z.extend(listThreadsRequest, { offset });

export const listThreads = (request: ListThreads, { simulator }: World, version: Version) => {
  const first = { ...request, offset: 0 };
  const question = request.page_id === undefined ? first : fromPageId(threadsPage, request.page_id);
  const found = allThreads(simulator.chat(request.chat_id)).filter((thread) => begunWithin(thread, question.filters));
  const { items, ...pages } = pageOf(question.sort_order === 'asc' ? found : found.toReversed(), question);
  return { threads: items.map((thread) => showThread(thread, version)), found_threads: found.length, ...pages };
};

type ListChats = z.infer<typeof listChatsRequest>;

const matches = ({ thread, access }: Chat, filters: ListChats['filters'], version: Version): boolean => {
  const { active, include_active, group_ids } = filters ?? {};
  if (group_ids !== undefined && !access.group_ids.some((id) => group_ids.includes(id))) return false;
  if (version === 'v3.6') return active === undefined || thread.active === active;
  return include_active !== false || !thread.active;
};

const chatsPage = z.extend(listChatsRequest, { offset, limit: z.int() });

const chatsQuestion = (request: ListChats): z.infer<typeof chatsPage> => {
  const { page_id, limit = 10 } = request;
  if (page_id === undefined) return { ...request, limit, offset: 0 };
  if (Object.keys(request).length > 1) throw invalid('`page_id` cannot be used with other parameters');
  return fromPageId(chatsPage, page_id);
};

export const listChats = (request: ListChats, { simulator }: World, version: Version) => {
  const question = chatsQuestion(request);
  const newestFirst = (one: Chat, other: Chat) => (one.thread.created_at < other.thread.created_at ? 1 : -1);
  const found = simulator
    .chats()
    .filter((chat) => matches(chat, question.filters, version))
    .sort(newestFirst);
  const { items, ...pages } = pageOf(question.sort_order === 'asc' ? found.toReversed() : found, question);
  return { chats_summary: items.map((chat) => showSummary(chat, version)), found_chats: found.length, ...pages };
};
