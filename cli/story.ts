import { readFile } from 'node:fs/promises';
import * as z from 'zod/mini';
import { CliError, describeCause } from './errors.ts';
import type { Body, SimulatorClient } from './simulator.ts';

export interface Story {
  readonly start: Body;
  readonly steps: readonly Body[];
}

const form = [
  { type: 'name', label: 'Name:', answer: 'Dana Whitfield' },
  { type: 'radio', label: 'Topic', answer: 'Order status' },
];

export const defaultStory: Story = {
  start: { customer: { name: 'Dana Whitfield', email: 'dana@shop.example' }, text: 'Where is my order 4711?', form },
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

const script = z.array(z.record(z.string(), z.unknown()));

const isStart = (step: Body | undefined): step is Body => step !== undefined && !('action' in step);

const parseScript = (file: string, text: string): Body[] => {
  try {
    return script.parse(JSON.parse(text));
  } catch (cause) {
    throw new CliError(`${file} is not a script: a JSON array of steps is expected, each an object.`, { cause });
  }
};

/** @throws CliError that names the file */
export const readStory = async (file: string): Promise<Story> => {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new CliError(`The script ${file} cannot be read: ${describeCause(cause)}`, { cause });
  });
  const steps = parseScript(file, text);
  const [first, ...rest] = steps;
  return isStart(first) ? { start: first, steps: rest } : { start: defaultStory.start, steps };
};

/** Another customer's name, another first message. */
export const withStart = (story: Story, name: string | undefined, text: string | undefined): Story => {
  const customer = z.record(z.string(), z.unknown()).safeParse(story.start.customer).data ?? {};
  return {
    ...story,
    start: {
      ...story.start,
      ...(name !== undefined && { customer: { ...customer, name } }),
      ...(text !== undefined && { text }),
    },
  };
};

export interface StepDone {
  readonly as: string;
  readonly action: string;
  readonly chatId: string;
  readonly threadId: string;
  readonly eventId?: string;
}

/** Ids are only known while the story runs: `$previous` stands for the last event that a step made. */
const withPrevious = (step: Body, previous: string | undefined): Body =>
  step.eventId === '$previous' && previous !== undefined ? { ...step, eventId: previous } : step;

/** Plays a story step by step. @throws CliError from the client */
export const playStory = async (
  { start, steps }: Story,
  client: SimulatorClient,
  onStep: (done: StepDone) => void,
): Promise<StepDone[]> => {
  const { chat_id: chatId, thread_id } = await client.start(start);
  const done: StepDone[] = [{ as: 'customer', action: 'start', chatId, threadId: thread_id }];
  done.forEach(onStep);
  let previous: string | undefined;
  for (const step of steps) {
    const answer = await client.act(chatId, withPrevious(step, previous));
    previous = answer.event_id ?? previous;
    const entry = {
      as: String(step.as ?? 'customer'),
      action: String(step.action),
      chatId,
      threadId: answer.thread_id,
      ...(answer.event_id !== undefined && { eventId: answer.event_id }),
    };
    done.push(entry);
    onStep(entry);
  }
  return done;
};
