import * as z from 'zod/mini';
import type { Cause } from '../../events/event.ts';
import { count } from '../../platform/metrics.ts';
import { sendToDeadLetterQueue } from '../../platform/queue.ts';
import { getExecutionInput } from '../../platform/step-functions.ts';
import { publishFailed, raiseAlert } from '../announce.ts';
import type { OutboundPart } from '../carrier.ts';
import { deliveryStore } from '../delivery-store.ts';
import { RequestInvalid } from '../errors.ts';
import { triedAgain } from '../machine.ts';
import { queueStore } from '../queue.ts';
import { type Piece, parseSendState, requestOf } from '../request.ts';
import { categoryOf } from './category.ts';
import type { Letter, SendLetter } from './read.ts';
import { type About, find, keep } from './store.ts';

export type Compose = (messages: unknown) => readonly Piece<unknown>[];

/** What failed because LiveChat or AWS was not well, or not in time, is worth one try more when things have calmed down. */
const redrivenByItself: ReadonlySet<string> = new Set([...triedAgain, 'RequestExpired']);
/** Ten minutes: behind newer messages. */
const redrivenAfterSeconds = 600;
/** From the third attempt on a human is called. */
const alertFromRedrive = 2;

/**
 * Ends what a dead letter is about: gives up its deliveries, leaves the conversation's queue, tells the bus, and keeps
 * the letter. Told again, it is done already; broken off, it is done again to the same end.
 */
export async function bury(letter: Letter, compose: Compose, now: number): Promise<void> {
  if (await find(letter.id)) return;
  if (letter.kind === 'send') await burySend(await whole(letter), compose, now);
  else await buryOther(letter, now);
}

/** Step Functions' own event leaves a large input out; the execution still has it. */
async function whole(letter: SendLetter): Promise<SendLetter> {
  return letter.state === undefined ? { ...letter, state: await getExecutionInput(letter.execution) } : letter;
}

async function burySend(letter: SendLetter, compose: Compose, now: number): Promise<void> {
  const { about, cause, parts } = read(letter, compose);
  const open = await giveUp(letter, parts, about.redrives, now);
  await queueStore.leave(about, letter.execution);
  if (parts.length > 0 && open.length === 0) {
    await kept(letter, about, 'settled', now);
    return;
  }
  const { conversationId, requestId, redrives } = about;
  if (conversationId && requestId) {
    const deliveryIds = open.map(({ id }) => id);
    await publishFailed(
      { conversationId, requestId, deliveryIds, error: letter.error, deadLetterId: letter.id, redrives },
      cause,
    );
  }
  if (redrives >= alertFromRedrive) await raiseRepeated(letter, about, cause);
  if (redrives === 0 && redrivenByItself.has(letter.error.name)) {
    await sendToDeadLetterQueue({ kind: 'redrive', id: letter.id }, redrivenAfterSeconds);
  }
  const news = await kept(letter, about, 'open', now);
  if (news) count('SendsFailed', { category: categoryOf(letter), organizationId: about.organizationId });
}

/** Keeps the letter last of all, and counts it then: what broke off before is done again. Answers whether it was news. */
async function kept(letter: Letter, about: About, status: 'open' | 'settled', now: number): Promise<boolean> {
  const news = await keep(letter, about, status, now);
  if (news) count('DeadLetters', { category: categoryOf(letter), kind: letter.kind, error: letter.error.name });
  return news;
}

/** The parts that have not arrived after all. */
async function giveUp(letter: SendLetter, parts: readonly OutboundPart<unknown>[], redrive: number, at: number) {
  const open: OutboundPart<unknown>[] = [];
  for (const part of parts) {
    const { fingerprint } = part;
    const given = { fingerprint, redrive, error: letter.error.name, at, deadLetterId: letter.id };
    const end = await deliveryStore.giveUp(part, given);
    if (end === 'given up') open.push(part);
  }
  return open;
}

const loose = z.looseObject({
  id: z.optional(z.string()),
  detail: z.looseObject({ data: z.record(z.string(), z.unknown()) }),
});

interface Reading {
  readonly about: About;
  readonly cause: Cause;
  readonly parts: readonly OutboundPart<unknown>[];
}

/** What the letter is about; of a request that was never a valid one, as much as can be made out. */
function read(letter: SendLetter, compose: Compose): Reading {
  try {
    const request = requestOf(parseSendState(letter.state), compose);
    const { organizationId, conversationId, requestId, redrive: redrives } = request;
    return { about: { organizationId, conversationId, requestId, redrives }, cause: request, parts: request.parts };
  } catch (error) {
    if (!(error instanceof RequestInvalid)) throw error;
    const { data } = loose.safeParse(letter.state);
    const text = (name: string) => {
      const value = data?.detail.data[name];
      return typeof value === 'string' ? value : '';
    };
    const about = {
      organizationId: text('organizationId') || 'unknown',
      conversationId: text('conversationId'),
      requestId: text('requestId'),
    };
    const eventId = data?.id ?? letter.id;
    const cause = { organizationId: about.organizationId, correlationId: eventId, causationId: eventId };
    return { about: { ...about, redrives: 0 }, cause, parts: [] };
  }
}

async function raiseRepeated(letter: SendLetter, { organizationId, conversationId, requestId }: About, cause: Cause) {
  const title = `A message could not be sent, after several redrives: ${letter.error.name}`;
  const ids = { organizationId, conversationId, requestId, deadLetterId: letter.id };
  await raiseAlert({ severity: 'critical', title, ids }, cause, [letter.id]);
}

const metadata = z.looseObject({
  metadata: z.looseObject({ organizationId: z.string(), correlationId: z.string(), id: z.string() }),
  data: z.optional(z.looseObject({ conversationId: z.optional(z.string()) })),
});

/** An event that no function could handle, or a letter that nobody can read: state is missing until a human acts. */
async function buryOther(letter: Exclude<Letter, SendLetter>, now: number): Promise<void> {
  const detail = letter.kind === 'event' ? metadata.safeParse(letter.event.detail).data : undefined;
  const organizationId = detail?.metadata.organizationId ?? 'unknown';
  const conversationId = detail?.data?.conversationId ?? '';
  const correlationId = detail?.metadata.correlationId ?? letter.id;
  const cause = { organizationId, correlationId, causationId: detail?.metadata.id ?? letter.id };
  const what =
    letter.kind === 'event'
      ? `An event was not handled (${letter.event['detail-type']})`
      : 'A dead letter cannot be read';
  const ids = { organizationId, deadLetterId: letter.id };
  await raiseAlert({ severity: 'warning', title: `${what}: ${letter.error.name}`, ids }, cause, [letter.id]);
  await kept(letter, { organizationId, conversationId, requestId: '', redrives: 0 }, 'open', now);
}
