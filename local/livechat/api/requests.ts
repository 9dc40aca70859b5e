import * as z from 'zod/mini';
import { eventRequest } from './events.ts';

/** The bodies of the Agent Chat API (v3.4 to v3.6), as far as the simulator understands them. */

export const id = z.string().check(z.minLength(1));
const flag = z._default(z.boolean(), false);
const visibility = z.enum(['all', 'agents'], 'must be one of all, agents');
const userType = z.enum(['agent', 'customer'], 'must be one of agent, customer');
const sortOrder = z.enum(['asc', 'desc'], 'must be one of asc, desc');
const limit = z.int('must be a number').check(z.gte(1, 'must be from 1 to 100'), z.lte(100, 'must be from 1 to 100'));

export const sendEventRequest = z.object({ chat_id: id, event: eventRequest });

export const uploadFileRequest = z.object({ file: z.instanceof(File) });

export const resumeChatRequest = z.object({
  chat: z.object({
    id,
    users: z._default(z.array(z.object({ id, type: userType })), []),
    thread: z.optional(z.object({ events: z._default(z.array(eventRequest), []) })),
  }),
  active: z._default(z.boolean(), true),
});

export const addUserRequest = z.object({
  chat_id: id,
  user_id: id,
  user_type: userType,
  visibility,
  ignore_requester_presence: flag,
});

export const removeUserRequest = z.object({
  chat_id: id,
  user_id: id,
  user_type: userType,
  ignore_requester_presence: flag,
});

export const transferChatRequest = z.object({
  id,
  target: z.optional(
    z.discriminatedUnion('type', [
      z.object({ type: z.literal('agent'), ids: z.array(id).check(z.minLength(1)) }),
      z.object({ type: z.literal('group'), ids: z.array(z.int()).check(z.minLength(1)) }),
    ]),
  ),
  ignore_agents_availability: flag,
  ignore_requester_presence: flag,
});

export const deactivateChatRequest = z.object({ id, ignore_requester_presence: flag });

export const getChatRequest = z.object({ chat_id: id, thread_id: z.optional(id) });

const time = z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text)), 'must be a time'));

export const listThreadsRequest = z.object({
  chat_id: id,
  sort_order: z._default(sortOrder, 'desc'),
  limit: z._default(limit, 3),
  filters: z.optional(z.object({ from: z.optional(time), to: z.optional(time) })),
  page_id: z.optional(id),
});

export const listChatsRequest = z.object({
  sort_order: z.optional(sortOrder),
  limit: z.optional(limit),
  filters: z.optional(
    z.object({
      active: z.optional(z.boolean()),
      include_active: z.optional(z.boolean()),
      group_ids: z.optional(z.array(z.int()).check(z.maxLength(200, 'must be at most 200'))),
    }),
  ),
  page_id: z.optional(id),
});

export const tagRequest = z.object({ chat_id: id, thread_id: id, tag: id });
