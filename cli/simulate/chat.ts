import * as z from 'zod/mini';
import type { ChatOptions } from '../commands/simulate.ts';
import { CliError, describeCause } from '../errors.ts';
import { readJson } from '../files.ts';
import { colours, print, printJson } from '../output.ts';

type Body = Readonly<Record<string, unknown>>;

const defaultScenario = {
  start: {
    customer: { name: 'Dana Whitfield', email: 'dana@shop.example' },
    text: 'Where is my order 4711?',
    form: [
      { type: 'name', label: 'Name:', answer: 'Dana Whitfield' },
      { type: 'radio', label: 'Topic', answer: 'Order status' },
    ],
  },
  steps: [
    { action: 'message', text: 'It was due yesterday 😀' },
    { as: 'agent', action: 'message', text: 'Let me check that for you.' },
    { action: 'file', name: 'receipt.png' },
    { as: 'agent', action: 'transfer', agents: ['tomas.reyes@acme.example'] },
    { as: 'agent', action: 'message', text: 'Your parcel left the depot at 07:40.' },
    { action: 'seen' },
    { as: 'agent', action: 'close' },
  ],
};

/** Plays one chat on the simulator and prints its steps. */
export const simulateChat = async ({ script, simulator, json, ...customer }: ChatOptions): Promise<void> => {
  const { start, steps } = script === undefined ? defaultScenario : await readScenario(script);
  const completed: CompletedStep[] = [];
  for await (const step of playScenario(customizeStart(start, customer), steps, createSimulatorClient(simulator))) {
    completed.push(step);
    if (!json) printStep(step);
  }
  if (json) printJson({ ok: true, chatId: completed[0]?.chatId, steps: completed });
};

const jsonObject = z.record(z.string(), z.unknown());

const readScenario = async (file: string) => {
  const steps = await readJson(file, z.array(jsonObject), 'a script, a JSON array of objects');
  const [first, ...rest] = steps;
  // A step has an action; the body that starts a chat does not.
  const startsChat = first !== undefined && !('action' in first);
  return startsChat ? { start: first, steps: rest } : { start: defaultScenario.start, steps };
};

const customizeStart = (start: Body, { customer: name, text }: Pick<ChatOptions, 'customer' | 'text'>): Body => ({
  ...start,
  ...(name !== undefined && { customer: { ...jsonObject.safeParse(start.customer).data, name } }),
  ...(text !== undefined && { text }),
});

/** Replaces the event id `$previous` by the id of the last event that a step created. */
async function* playScenario(
  start: Body,
  steps: readonly Body[],
  client: ReturnType<typeof createSimulatorClient>,
): AsyncGenerator<CompletedStep> {
  const { chat_id: chatId, thread_id: threadId } = await client.startChat(start);
  yield { as: 'customer', action: 'start', chatId, threadId };
  let previous: string | undefined;
  for (const step of steps) {
    const { as = 'customer', action, eventId } = step;
    const replaced = eventId === '$previous' && previous !== undefined ? { eventId: previous } : {};
    const { event_id, thread_id } = await client.addEvent(chatId, { ...step, ...replaced });
    previous = event_id ?? previous;
    yield { as: String(as), action: String(action), chatId, threadId: thread_id, eventId: event_id };
  }
}

interface CompletedStep {
  readonly as: string;
  readonly action: string;
  readonly chatId: string;
  readonly threadId: string;
  readonly eventId?: string | undefined;
}

const printStep = ({ as, action, chatId, threadId, eventId }: CompletedStep): void =>
  print(`${colours.green('✓')} ${as} ${action}  ${colours.dim(eventId ?? `chat ${chatId}, thread ${threadId}`)}`);

const startedChat = z.object({ chat_id: z.string(), thread_id: z.string() });
const addedEvent = z.object({ event_id: z.optional(z.string()), thread_id: z.string() });
const simulatorError = z.object({
  error: z.object({
    message: z.optional(z.string()),
    field: z.optional(z.string()),
    expected: z.optional(z.string()),
  }),
});

const describeRejection = (status: number, json: unknown): string => {
  const { data } = simulatorError.safeParse(json);
  if (!data) return `status ${status}`;
  const { message, field, expected } = data.error;
  return message ?? `${field}: expected ${expected}`;
};

/** Its methods throw a CliError if the simulator does not respond or rejects the request. */
export const createSimulatorClient = (base: string) => {
  const post = async <Result>(path: string, body: Body, schema: z.ZodMiniType<Result>): Promise<Result> => {
    const init = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(new URL(path, base), init).catch((cause) => {
      const advice = 'Start the local engine with `npm start`, or pass the address with --simulator.';
      throw new CliError(`No response from the simulator at ${base} (${describeCause(cause)}). ${advice}`, { cause });
    });
    const json: unknown = await response.json().catch(() => undefined);
    if (!response.ok) {
      throw new CliError(`The simulator rejected ${JSON.stringify(body)}: ${describeRejection(response.status, json)}`);
    }
    const parsed = schema.safeParse(json);
    if (!parsed.success) {
      throw new CliError(`The server at ${base} is not the LiveChat simulator; check --simulator.`);
    }
    return parsed.data;
  };
  return {
    startChat: (body: Body) => post('/simulator/chats', body, startedChat),
    addEvent: (chatId: string, body: Body) =>
      post(`/simulator/chats/${encodeURIComponent(chatId)}/events`, body, addedEvent),
  };
};
