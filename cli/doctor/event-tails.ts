import { type Finding, note, ok, warning } from '../../core/channel/finding.ts';
import { listTails, removeTail, type Tail } from '../event-tail.ts';

/** Removes the rules and queues of `livechat events tail` that did not remove them, such as after kill -9. */
export async function sweepTails(now: number): Promise<readonly Finding[]> {
  const tails = await listTails();
  if (tails.length === 0) return [ok('No events tail has left a rule or queue.')];
  return Promise.all(tails.map((tail) => sweep(tail, now)));
}

async function sweep({ name, inUseUntil }: Tail, now: number): Promise<Finding> {
  if (inUseUntil > now) {
    return note(
      `The rule ${name} of an events tail is in use until ${new Date(inUseUntil).toISOString().slice(0, 19)}.`,
    );
  }
  try {
    await removeTail(name);
    return note(`Removed the rule and the queue ${name}, which an events tail had left.`);
  } catch (error) {
    const reason = error instanceof Error ? error.name : String(error);
    const fix = 'Run livechat doctor with the permissions to remove them.';
    return warning(`An events tail has left the rule and the queue ${name}, which cannot be removed (${reason}).`, fix);
  }
}
