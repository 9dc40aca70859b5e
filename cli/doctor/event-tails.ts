import { type Finding, note, ok, warning } from '../../core/channel/finding.ts';
import { listTails, removeTail, type Tail } from '../event-tail.ts';

/** Removes rules and queues that `livechat events tail` left behind, such as after kill -9. */
export async function sweepTails(now: number): Promise<readonly Finding[]> {
  const tails = await listTails();
  if (tails.length === 0) return [ok('No rule or queue of an interrupted events tail exists.')];
  return Promise.all(tails.map((tail) => sweep(tail, now)));
}

async function sweep({ name, inUseUntil }: Tail, now: number): Promise<Finding> {
  if (inUseUntil > now) {
    return note(
      `The rule ${name} of a running events tail is in use until ${new Date(inUseUntil).toISOString().slice(0, 19)}.`,
    );
  }
  try {
    await removeTail(name);
    return note(`Removed the rule and the queue ${name} of an interrupted events tail.`);
  } catch (error) {
    const reason = error instanceof Error ? error.name : String(error);
    const fix = 'Run livechat doctor with permissions to remove them.';
    return warning(
      `The rule and the queue ${name} of an interrupted events tail could not be removed (${reason}).`,
      fix,
    );
  }
}
