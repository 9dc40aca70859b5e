import type { Activity, Subscribe } from '../stream.ts';
import { watchConversations } from './conversations.ts';
import { watchLetters } from './letters.ts';
import { watchRuns } from './runs.ts';

const pollMs = 2_000;

/**
 * What happens on a deployed stage, from its tables: a laptop cannot receive the bus. Tells of each change once, in the
 * terms of the bus. `report` is told when a look fails, and the next one is tried all the same.
 */
export function pollStage(report: (message: string) => void): Subscribe {
  const listeners = new Set<(activity: Activity) => void>();
  const watches = [watchConversations(), watchLetters(), watchRuns()];

  const turn = async (): Promise<void> => {
    const now = Date.now();
    const looks = await Promise.allSettled(watches.map((watch) => watch(now)));
    for (const look of looks) {
      if (look.status === 'rejected') report(`The stage could not be read: ${wordsOf(look.reason)}`);
      else for (const activity of look.value.found) tell(activity);
    }
    if (looks.some((look) => look.status === 'fulfilled' && look.value.sampled)) {
      tell({ type: 'sampled', at: new Date(now).toISOString() });
    }
    setTimeout(turn, pollMs).unref();
  };
  const tell = (activity: Activity) => {
    for (const listener of listeners) listener(activity);
  };
  void turn();

  return (listener) => {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
