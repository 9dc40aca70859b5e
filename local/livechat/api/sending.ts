import type * as z from 'zod/mini';
import { append } from '../chats.ts';
import { reopen } from '../threads.ts';
import { LiveChatError } from './errors.ts';
import { draftOf } from './events.ts';
import type { resumeChatRequest, sendEventRequest, uploadFileRequest } from './requests.ts';
import { requireActive, requireSpeaker, requireUserId } from './requirements.ts';
import { noteArrivals, requesterOf, type World } from './world.ts';

/** The same `custom_id` twice is two events: LiveChat looks at it as little as we do here. */
export const sendEvent = ({ chat_id, event }: z.infer<typeof sendEventRequest>, world: World) => {
  const { chat, eventId: event_id } = world.simulator.change(chat_id, (before) => {
    requireActive(before, world);
    requireSpeaker(before, event.visibility, world);
    const place = { threadId: before.thread.id, position: before.thread.events.length + 1 };
    return append(before, draftOf(event, requesterOf(world), world.uploads, place), world.source.now());
  });
  noteArrivals(world, 'send_event', chat, 1);
  return { event_id };
};

/** Its events travel inside `incoming_chat`; with `active: false` the thread holds them and is closed at once. */
export const resumeChat = ({ chat: asked, active }: z.infer<typeof resumeChatRequest>, world: World) => {
  const requester = requesterOf(world);
  const requests = asked.thread?.events ?? [];
  const threadId = world.source.nextId();
  const { chat } = world.simulator.change(asked.id, (before) => {
    if (before.thread.active) throw new LiveChatError('validation', { message: 'Chat is already active' });
    const events = requests.map((event, index) =>
      draftOf(event, requester, world.uploads, { threadId, position: index + 1 }),
    );
    for (const user of asked.users) requireUserId(before, user);
    const userIds = [requester.id, ...asked.users.map(({ id }) => id)];
    return reopen(before, { threadId, userIds, events, by: requester, active }, world.source.now());
  });
  noteArrivals(world, 'resume_chat', chat, requests.length);
  const event_ids = chat.thread.events.map(({ id }) => id);
  return { thread_id: threadId, ...(event_ids.length > 0 && { event_ids }) };
};

export const uploadFile = ({ file }: z.infer<typeof uploadFileRequest>, { uploads, cdn }: World) => {
  const url = uploads.add(file);
  cdn.keep(url, file);
  return { url };
};
