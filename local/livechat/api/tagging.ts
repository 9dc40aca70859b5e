import type * as z from 'zod/mini';
import { allThreads, type Chat, type Step } from '../chats.ts';
import { tag, untag } from '../threads.ts';
import type { tagRequest } from './requests.ts';
import { requireThread } from './requirements.ts';
import type { World } from './world.ts';

type TagRequest = z.infer<typeof tagRequest>;

/** A closed thread can be tagged too. */
const changeTags =
  (how: (chat: Chat, threadId: string, name: string) => Step) =>
  ({ chat_id, thread_id, tag: name }: TagRequest, { simulator }: World) => {
    simulator.change(chat_id, (chat) => {
      requireThread(allThreads(chat), thread_id);
      return how(chat, thread_id, name);
    });
    return {};
  };

export const tagThread = changeTags(tag);
export const untagThread = changeTags(untag);
