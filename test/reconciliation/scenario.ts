import { VirtualTime } from '../model/virtual-time.ts';
import type { World } from './world.ts';

/** Who works at the company. */
const agents = ['nina.kowal@acme.example', 'tomas.reyes@acme.example', 'ada.lind@acme.example'];
const groups = [0, 4, 19];
const tags = ['refund', 'bug', 'vip', 'billing'];

const second = 1_000;
const minute = 60 * second;

/**
 * The bridge recognizes a transfer, a join or a tag by its content within two minutes (see docs/explanation/
 * delivery-guarantees.md), so that the same change cannot be told from a duplicate. Chats do not repeat one that fast.
 */
const repeatableAfter = 130 * second;

interface Chat {
  readonly id: string;
  threadId: string;
  active: boolean;
  reopenings: number;
  /** Sent texts, files and rich messages that can still be edited or deleted. */
  readonly texts: string[];
  readonly others: string[];
  readonly cards: string[];
  readonly tags: Set<string>;
  /** When people, tags and fields changed last. */
  readonly changedAt: Record<'people' | 'tags' | 'fields', number>;
}

export interface ScenarioOptions {
  readonly seed: number;
  readonly chats: number;
  readonly durationMs: number;
  /** Groups in which some of the chats start, because rules route them. */
  readonly routedGroups: readonly number[];
  /** What else happens, at regular intervals. */
  readonly every?: { readonly ms: number; readonly run: () => Promise<void> };
}

/**
 * Lets chats live at LiveChat: they start within the first three quarters of the duration, and customers, agents and the
 * router act in them until the end. Every webhook is delivered or lost, and every event handled, before the next step.
 */
export async function playScenario(world: World, options: ScenarioOptions): Promise<{ readonly chatIds: string[] }> {
  const { seed, durationMs, routedGroups } = options;
  const random = new VirtualTime(seed);
  const pick = <T>(list: readonly [T, ...T[]] | readonly T[]): T => {
    const found = list[Math.floor(random.random() * list.length)];
    if (found === undefined) throw new Error('nothing to pick from');
    return found;
  };
  const chance = (share: number) => random.random() < share;
  const end = world.now() + durationMs;
  /** Many chats act less often each, so that the number of webhooks stays within what a test can handle. */
  const longestPause = Math.max(5 * minute, options.chats * 5 * second);
  const chatIds: string[] = [];
  /** What happens next, in order of time. */
  const due: { at: number; run: () => Promise<void> }[] = [];
  const plan = (at: number, run: () => Promise<void>) => {
    if (at < end) due.push({ at, run });
  };

  async function start(number: number): Promise<void> {
    const form = [
      { type: 'name', label: 'Name', answer: `Customer ${number}` },
      { type: 'radio', label: 'Topic', answer: pick(['Order', 'Invoice']) },
    ];
    const group = chance(0.3) && routedGroups.length > 0 ? pick(routedGroups) : pick(groups);
    const { chat_id: id, thread_id: threadId } = await world.startChat({
      customer: { name: `Customer ${number}`, sessionFields: { plan: pick(['free', 'pro']) } },
      group,
      agent: chance(0.25) ? null : pick(agents),
      ...(chance(0.7) && { text: `Hello from ${number}` }),
      ...(chance(0.3) && { form }),
    });
    chatIds.push(id);
    const at = world.now();
    const chat: Chat = {
      id,
      threadId,
      active: true,
      reopenings: 0,
      texts: [],
      others: [],
      cards: [],
      tags: new Set(),
      changedAt: { people: at, tags: at, fields: at },
    };
    planNext(chat);
  }

  function planNext(chat: Chat): void {
    const pause = chat.active ? random.between(5 * second, longestPause) : random.between(minute, 30 * minute);
    plan(world.now() + pause, async () => {
      await (chat.active ? actIn(chat) : resume(chat));
      planNext(chat);
    });
  }

  async function resume(chat: Chat): Promise<void> {
    if (chance(0.3)) {
      // Agents often tag a chat after they have closed it.
      const unused = tags.filter((one) => !chat.tags.has(one));
      if (unused.length === 0) return;
      await spaced(chat, 'tags', async () => {
        const tag = pick(unused);
        chat.tags.add(tag);
        await world.call('tag_thread', { chat_id: chat.id, thread_id: chat.threadId, tag });
      });
      return;
    }
    if (chat.reopenings === 2 || chance(0.5)) return;
    const reopened = await world.act(chat.id, { action: 'reopen', text: 'I am back' });
    if (!reopened) return;
    chat.reopenings += 1;
    chat.active = true;
    chat.threadId = reopened.thread_id;
    chat.tags.clear();
    chat.changedAt.people = world.now();
    if (reopened.event_id) chat.texts.push(reopened.event_id);
  }

  async function actIn(chat: Chat): Promise<void> {
    const weighted = Object.entries(actions);
    let left = random.random() * weighted.reduce((sum, [, { weight }]) => sum + weight, 0);
    for (const [, { weight, run }] of weighted) {
      left -= weight;
      if (left < 0) {
        await run(chat);
        return;
      }
    }
  }

  /** Sends, and remembers what was sent. */
  async function send(chat: Chat, list: string[], action: object): Promise<void> {
    const sent = await world.act(chat.id, action);
    if (sent?.event_id) list.push(sent.event_id);
  }

  const text = () => `text ${Math.floor(random.random() * 1e9).toString(36)}`;
  const spaced = async (chat: Chat, what: keyof Chat['changedAt'], run: () => Promise<unknown>) => {
    if (world.now() - chat.changedAt[what] < repeatableAfter) return;
    chat.changedAt[what] = world.now();
    await run();
  };
  const take = (list: string[]) => list.splice(Math.floor(random.random() * list.length), 1)[0];
  const close = (action: object) => async (chat: Chat) => {
    if (await world.act(chat.id, action)) chat.active = false;
  };
  const transfer = (target: () => object) => (chat: Chat) =>
    spaced(chat, 'people', () => world.act(chat.id, { as: 'agent', action: 'transfer', ...target() }));

  const actions: Record<string, { readonly weight: number; readonly run: (chat: Chat) => Promise<unknown> }> = {
    customerWrites: { weight: 20, run: (chat) => send(chat, chat.texts, { action: 'message', text: text() }) },
    customerSendsFile: { weight: 3, run: (chat) => send(chat, chat.others, { action: 'file', name: 'photo.png' }) },
    customerReads: { weight: 8, run: (chat) => world.act(chat.id, { action: 'seen' }) },
    customerClicks: {
      weight: 3,
      run: async (chat) => {
        const eventId = chat.cards.at(-1);
        if (eventId) await world.act(chat.id, { action: 'click', eventId, postbackId: 'yes' });
      },
    },
    siteSetsField: {
      weight: 2,
      run: (chat) =>
        spaced(chat, 'fields', () =>
          world.act(chat.id, { action: 'session-fields', fields: { cart: pick(['1', '2', '3']) } }),
        ),
    },
    agentWrites: {
      weight: 18,
      run: (chat) => send(chat, chat.texts, { as: 'agent', action: 'message', text: text() }),
    },
    agentSendsFile: {
      weight: 2,
      run: (chat) => send(chat, chat.others, { as: 'agent', action: 'file', name: 'invoice.pdf' }),
    },
    agentNotes: { weight: 5, run: (chat) => send(chat, chat.texts, { as: 'agent', action: 'note', text: text() }) },
    agentSendsCard: {
      weight: 3,
      run: (chat) => send(chat, chat.cards, { as: 'agent', action: 'rich-message', ...card }),
    },
    agentEdits: {
      weight: 5,
      run: async (chat) => {
        if (chat.texts.length === 0) return;
        await world.act(chat.id, { as: 'agent', action: 'edit', eventId: pick(chat.texts), text: text() });
      },
    },
    agentDeletes: {
      weight: 4,
      run: async (chat) => {
        const list = chance(0.3) && chat.others.length > 0 ? chat.others : chat.texts;
        const eventId = take(list);
        if (!eventId) return;
        if (!(await world.act(chat.id, { as: 'agent', action: 'delete', eventId }))) list.push(eventId);
      },
    },
    agentJoins: {
      weight: 5,
      run: (chat) =>
        spaced(chat, 'people', () => world.act(chat.id, { as: 'agent', action: 'join', agent: pick(agents) })),
    },
    agentLeaves: {
      weight: 3,
      run: (chat) => spaced(chat, 'people', () => world.act(chat.id, { as: 'agent', action: 'part' })),
    },
    transferToAgent: { weight: 3, run: transfer(() => ({ agents: [pick(agents)] })) },
    transferToGroup: { weight: 3, run: transfer(() => ({ groups: [pick(groups)] })) },
    transferToBoth: { weight: 2, run: transfer(() => ({ agents: [pick(agents)], groups: [pick(groups)] })) },
    agentTags: {
      weight: 6,
      run: (chat) =>
        spaced(chat, 'tags', async () => {
          const tag = pick(tags);
          if (await world.act(chat.id, { as: 'agent', action: 'tag', tag })) chat.tags.add(tag);
        }),
    },
    agentUntags: {
      weight: 3,
      run: (chat) =>
        spaced(chat, 'tags', async () => {
          const [tag] = chat.tags;
          if (tag && (await world.act(chat.id, { as: 'agent', action: 'untag', tag }))) chat.tags.delete(tag);
        }),
    },
    routerMarksIdle: { weight: 4, run: (chat) => world.act(chat.id, { as: 'router', action: 'idle' }) },
    customerLeaves: { weight: 2, run: close({ action: 'leave' }) },
    agentCloses: { weight: 3, run: close({ as: 'agent', action: 'close' }) },
    routerArchives: { weight: 2, run: close({ as: 'router', action: 'archive' }) },
  };

  function planRegularly(every: NonNullable<ScenarioOptions['every']>): void {
    plan(world.now() + every.ms, async () => {
      planRegularly(every);
      await every.run();
    });
  }

  if (options.every) planRegularly(options.every);
  for (let number = 1; number <= options.chats; number += 1)
    plan(world.now() + random.between(0, 0.75 * durationMs), () => start(number));
  for (;;) {
    due.sort((a, b) => a.at - b.at);
    const next = due.shift();
    if (!next) break;
    await world.pass(Math.max(0, next.at - world.now()));
    await next.run();
  }
  await world.pass(Math.max(0, end - world.now()));
  return { chatIds };
}

const card = {
  templateId: 'cards',
  elements: [{ title: 'Did it help?', buttons: [{ text: 'Yes', type: 'message', value: 'yes', postback_id: 'yes' }] }],
};
