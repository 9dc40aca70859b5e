import { createHash, randomUUID } from 'node:crypto';
import { vi } from 'vitest';
import * as z from 'zod/mini';
import { systemClock } from '../../core/platform/clock.ts';
import type { ReconciliationRun } from '../../core/reconciliation/report.ts';
import { parseRules } from '../../core/routing/rules.ts';
import { createHttpApi } from '../../local/http-api.ts';
import { close, listen } from '../../local/listen.ts';
import { startSimulator } from '../../local/livechat/server.ts';
import { webhookRoute } from '../../stacks/topology.ts';
import { bridgeAgent, clientId, type DeployedBridge, moveClock, webhookSecret, whileClockRuns } from './bridge.ts';
import { type SentWebhook, toView, type View } from './view.ts';

const webhookBody = z.looseObject({
  action: z.string(),
  payload: z.looseObject({
    chat_id: z.optional(z.string()),
    thread_id: z.optional(z.string()),
    chat: z.optional(
      z.looseObject({
        id: z.string(),
        thread: z.looseObject({ id: z.string() }),
        users: z.array(z.looseObject({ name: z.string() })),
      }),
    ),
    active_chat: z.optional(z.looseObject({ chat_id: z.string() })),
  }),
});
const started = z.object({ chat_id: z.string(), thread_id: z.string() });
const acted = z.object({ event_id: z.optional(z.string()), thread_id: z.string() });
const calls = z.object({
  methods: z.record(z.string(), z.object({ count: z.number() })),
  arrivals: z.array(z.looseObject({ method: z.string(), chat_id: z.string(), thread_id: z.string() })),
});

export interface WorldOptions {
  /** Decides which webhooks are lost. */
  readonly seed: number;
  /** The bridges that LiveChat calls, by name, with the share of webhooks that each loses, from 0 to 1. */
  readonly loss: Readonly<Record<string, number>>;
  /** The share of webhooks that arrive up to a minute late, after those that follow, as after failed attempts. */
  readonly late?: number;
  /** How much LiveChat's clock is fast, in ms. */
  readonly skewMs?: number;
}

export type World = Awaited<ReturnType<typeof startWorld>>;
export type Bridge = ReturnType<World['bridge']>;

/**
 * One LiveChat and several bridges: an organization each, to which the same webhooks are sent, of which some are lost. So the
 * bridge that lost webhooks can be compared with the one that lost none, id by id.
 */
export async function startWorld(deployed: DeployedBridge, { seed, loss, late = 0, skewMs = 0 }: WorldOptions) {
  const { aws, pendingWebhooks } = deployed;
  const begin = Date.now();
  const bridges = new Map(
    Object.entries(loss).map(([name, share]) => [name, { name, organizationId: randomUUID(), share }]),
  );
  /** The webhooks of each chat. */
  const history = new Map<string, SentWebhook[]>();
  /** What identifies a chat in the choice of the lost webhooks: ids of chats differ between runs. */
  const names = new Map<string, string>();
  /** Late webhooks, and when they arrive. */
  const onTheWay: { readonly at: number; readonly deliver: () => Promise<void> }[] = [];

  /** From 0 to 1, the same in every run. */
  function chance(...identity: readonly (string | number)[]): number {
    const hash = createHash('sha256')
      .update([seed, ...identity].join(' '))
      .digest();
    return hash.readUInt32BE() / 2 ** 32;
  }

  const api = createHttpApi({
    routes: [webhookRoute],
    report: (message) => deployed.problems.push(message),
    fallback: () => new Response(null, { status: 404 }),
    async invoke(handler, request) {
      const event = z.looseObject({ body: z.string() }).parse(request);
      const body = webhookBody.parse(JSON.parse(event.body));
      const { chat, active_chat, chat_id: chatId = chat?.id ?? active_chat?.chat_id ?? '' } = body.payload;
      if (chat && !names.has(chatId)) names.set(chatId, chat.users[0]?.name ?? '');
      const sent = history.get(chatId) ?? [];
      history.set(chatId, sent);
      const name = names.get(chatId) ?? '';
      const receivers = [...bridges.values()].filter((one) => chance(one.name, name, sent.length) >= one.share);
      // Webhooks of one action arrive one after the other.
      moveClock(1);
      const at = Date.now();
      const threadId = body.payload.thread_id ?? chat?.thread.id;
      const receivedBy = receivers.map((one) => one.name);
      const number = sent.push({ at: new Date(at).toISOString(), action: body.action, threadId, receivedBy });
      const deliver = async () => {
        for (const one of receivers) {
          const own = JSON.stringify({ ...body, organization_id: one.organizationId });
          const response = await aws.invoke(handler, { ...event, body: own });
          const { statusCode } = z.looseObject({ statusCode: z.number() }).parse(response);
          if (statusCode !== 200) throw new Error(`the webhook ${body.action} was answered with ${statusCode}`);
        }
      };
      if (chance('late', name, number) < late)
        onTheWay.push({ at: at + chance('delay', name, number) * 60_000, deliver });
      else await deliver();
      return { statusCode: 200, body: '{"success":true}' };
    },
  });
  const port = await listen(api, 0, '--port');
  const simulator = await startSimulator({
    port: 0,
    webhookUrl: `http://127.0.0.1:${port}${webhookRoute.path}`,
    secretKey: webhookSecret,
    organizationId: randomUUID(),
    clientId,
    agentId: bridgeAgent,
    pendingWebhooks: pendingWebhooks.memory,
    clock: { ...systemClock, now: () => Date.now() + skewMs },
  });
  const liveChatUrl = `http://127.0.0.1:${simulator.port}`;
  vi.stubEnv('LIVECHAT_API_BASE_URL', liveChatUrl);

  async function request(method: string, path: string, body?: unknown): Promise<{ status: number; json: unknown }> {
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers = { 'content-type': 'application/json', authorization: 'Bearer agent-app' };
    const response = await fetch(`${liveChatUrl}${path}`, { method, headers, ...text });
    return { status: response.status, json: await response.json() };
  }

  async function expectOk(answer: Promise<{ status: number; json: unknown }>): Promise<unknown> {
    const { status, json } = await answer;
    if (status !== 200) throw new Error(`the simulator answered ${status}: ${JSON.stringify(json)}`);
    return json;
  }

  /** Waits until every webhook is delivered and every event is handled. */
  async function settle(): Promise<void> {
    if (!(await aws.idle(60_000, true))) throw new Error('the bridge does not become idle');
  }

  await expectOk(request('POST', '/simulator/settings', { joinDelayMs: 0, publicAgentsLimit: 10 }));

  const world = {
    async stop(): Promise<void> {
      await simulator.stop();
      await close(api);
    },
    settle,
    now: () => Date.now(),
    begin,
    /** Lets everything come to rest, then moves the clock forward. */
    async pass(ms: number): Promise<void> {
      await settle();
      const end = Date.now() + ms;
      for (;;) {
        onTheWay.sort((a, b) => a.at - b.at);
        if ((onTheWay[0]?.at ?? end) >= end) break;
        const arriving = onTheWay.shift();
        moveClock(Math.max(0, (arriving?.at ?? end) - Date.now()));
        await arriving?.deliver();
        await settle();
      }
      moveClock(Math.max(0, end - Date.now()));
    },
    async setting(changes: object): Promise<void> {
      await expectOk(request('POST', '/simulator/settings', changes));
    },
    async fault(fault: object): Promise<void> {
      await expectOk(request('POST', '/simulator/faults', fault));
    },
    async clearFaults(): Promise<void> {
      await expectOk(request('DELETE', '/simulator/faults'));
      await fetch(`${aws.url}/_local/faults`, { method: 'DELETE' });
    },
    /** Injects a fault into an AWS service. */
    async awsFault(fault: object): Promise<void> {
      const answer = await fetch(`${aws.url}/_local/faults`, { method: 'POST', body: JSON.stringify(fault) });
      if (!answer.ok) throw new Error(`the fault was refused: ${await answer.text()}`);
    },
    async startChat(body: object) {
      return started.parse(await expectOk(request('POST', '/simulator/chats', body)));
    },
    /** Acts in a chat. Undefined if the state of the chat does not allow it. */
    async act(chatId: string, action: object) {
      const answer = await request('POST', `/simulator/chats/${chatId}/events`, action);
      return answer.status === 409 ? undefined : acted.parse(await expectOk(Promise.resolve(answer)));
    },
    /** Calls LiveChat's Agent Chat API, as LiveChat's own application does. */
    call: (method: string, body: object) => expectOk(request('POST', `/v3.6/agent/action/${method}`, body)),
    /** The calls to LiveChat's API since the last {@link forgetCalls}, by method, and the accepted messages. */
    async calls() {
      const { methods, arrivals } = calls.parse(await expectOk(request('GET', '/simulator/calls')));
      const counts = Object.fromEntries(Object.entries(methods).map(([name, { count }]) => [name, count]));
      return { counts, arrivals };
    },
    async forgetCalls(): Promise<void> {
      await expectOk(request('DELETE', '/simulator/calls'));
    },
    /** What was sent for a chat, to explain a difference. */
    history: (chatId: string): readonly SentWebhook[] => history.get(chatId) ?? [],
    bridge(name: string) {
      const found = bridges.get(name);
      if (!found) throw new Error(`there is no bridge ${name}`);
      return bridgeOf(deployed, world, found);
    },
    /** Another bridge, which has received nothing and receives nothing. */
    addDeafBridge() {
      const added = { name: `deaf ${bridges.size}`, organizationId: randomUUID(), share: 1 };
      bridges.set(added.name, added);
      return bridgeOf(deployed, world, added);
    },
  };
  return world;
}

const reads: readonly string[] = ['list_chats', 'list_archives', 'list_threads', 'get_chat'];

/** The calls that change something at LiveChat. */
export function listChanges(counts: Readonly<Record<string, number>>): string[] {
  return Object.keys(counts).filter((method) => !reads.includes(method));
}

interface BackfillOptions {
  readonly from?: number;
  readonly to?: number;
  readonly conversationId?: string;
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  readonly onWait?: (until: string) => void;
  readonly onProgress?: () => void;
}

function bridgeOf(
  { events, conversations, messages, rules, reconciliation, channel, logger }: DeployedBridge,
  world: {
    readonly begin: number;
    settle(): Promise<void>;
    now(): number;
    history(chatId: string): readonly SentWebhook[];
  },
  state: { readonly name: string; readonly organizationId: string; share: number },
) {
  const { organizationId, name } = state;

  return {
    name,
    organizationId,
    /** Changes the share of the webhooks that are lost. */
    lose(share: number): void {
      state.share = share;
    },
    async route(ruleSet: object): Promise<void> {
      await rules.applyRules(organizationId, parseRules(ruleSet), undefined, new Date().toISOString());
    },
    decisions: (conversationId: string) => rules.listDecisions({ organizationId, conversationId }),
    /** The published events, of one type or all. */
    published: (type?: string) =>
      events.filter(
        ({ detail, 'detail-type': one }) =>
          (type === undefined || one === type) &&
          published.safeParse(detail).data?.metadata.organizationId === organizationId,
      ),
    /** Reconciles on request, and waits until everything is handled. */
    async backfill(options: BackfillOptions = {}): Promise<readonly ReconciliationRun[]> {
      const { from = world.begin - 60_000, to = world.now() } = options;
      const runs = await whileClockRuns(() =>
        reconciliation.backfill(
          {
            organizationId,
            from: new Date(from).toISOString(),
            to: new Date(to).toISOString(),
            conversationId: options.conversationId,
          },
          {
            channel,
            dryRun: options.dryRun ?? false,
            signal: options.signal ?? new AbortController().signal,
            onProgress: options.onProgress ?? (() => {}),
            onWait: options.onWait ?? (() => {}),
            log: logger,
          },
        ),
      );
      await whileClockRuns(world.settle);
      return runs;
    },
    /** Reconciles as the schedule does. */
    async reconcile(reason: 'schedule' | 'recovery' = 'schedule'): Promise<ReconciliationRun | undefined> {
      const deadline = Date.now() + 300_000;
      const run = await whileClockRuns(() =>
        reconciliation.reconcileOrganization(organizationId, reason, {
          channel,
          deadline,
          log: logger,
          inFlightMs: 200,
        }),
      );
      await whileClockRuns(world.settle);
      return run;
    },
    /** What is stored of every conversation, by id: see {@link toView}. */
    async stored(): Promise<Record<string, View>> {
      const statuses = ['queued', 'open', 'idle', 'closed'] as const;
      const listed = await conversations.listConversations(organizationId, statuses, 10_000);
      const views: Record<string, View> = {};
      for (const { id } of listed.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
        const conversation = await conversations.loadConversation({ organizationId, conversationId: id });
        if (!conversation) continue;
        const stored = (await messages.listMessages(conversation, { limit: 1_000 })).messages;
        const { all = [], agents: notes = [] } = Object.groupBy(stored, ({ visibility }) => visibility);
        views[id] = toView(conversation, all, notes);
      }
      return views;
    },
  };
}

const published = z.looseObject({ metadata: z.looseObject({ organizationId: z.string() }) });
