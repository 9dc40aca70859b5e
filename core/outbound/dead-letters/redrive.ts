import * as z from 'zod/mini';
import { putEvent } from '../../events/publish.ts';
import { startSendExecution } from '../../platform/step-functions.ts';
import { type Archived, close, find, reopen } from './store.ts';

/** A letter cannot be redriven; the message says why. */
export class NotRedriven extends Error {
  override readonly name = 'NotRedriven';
}

const sendLetter = z.looseObject({
  kind: z.literal('send'),
  state: z.looseObject({ deferral: z.optional(z.unknown()) }),
});
const eventLetter = z.looseObject({
  kind: z.literal('event'),
  event: z.looseObject({ source: z.string(), 'detail-type': z.string(), detail: z.unknown() }),
});

/**
 * Tries a dead letter again, once: a send request by a new run of the machine with the next redrive number and the same
 * `custom_id`s, an event by putting it on the bus again. Answers the letter. Throws {@link NotRedriven}.
 */
export async function redrive(id: string, now: number): Promise<Archived> {
  const found = await find(id);
  if (!found) throw new NotRedriven(`no dead letter ${id}`);
  const { archived, letter } = found;
  if (archived.kind === 'unread')
    throw new NotRedriven(`dead letter ${id} cannot be read, so there is nothing to redrive`);
  if (!(await close(id))) throw new NotRedriven(`dead letter ${id} is not open: it is ${archived.status}`);
  try {
    await begin(archived, letter, now);
  } catch (error) {
    await reopen(id);
    throw error;
  }
  return archived;
}

async function begin({ id, redrives }: Archived, letter: unknown, now: number): Promise<void> {
  const send = sendLetter.safeParse(letter);
  if (send.success) {
    const { deferral: _, ...state } = send.data.state;
    await startSendExecution(`redrive-${id}`, { ...state, redrive: { number: redrives + 1, at: now } });
    return;
  }
  const { event } = eventLetter.parse(letter);
  await putEvent({ source: event.source, detailType: event['detail-type'], detail: event.detail });
}
