import * as z from 'zod/mini';
import type { Local } from './local.ts';

const activity = z.looseObject({
  source: z.optional(z.string()),
  detailType: z.optional(z.string()),
  detail: z.optional(z.looseObject({ metadata: z.optional(z.unknown()), data: z.optional(z.unknown()) })),
});

/** Collects the events on the bus from now on, from the console's stream. */
export async function watchBus(local: Pick<Local, 'console'>) {
  const abort = new AbortController();
  const stream = await fetch(new URL('/api/stream', local.console), { signal: abort.signal });
  const events: z.infer<typeof activity>[] = [];
  const read = async () => {
    let rest = '';
    if (!stream.body) throw new Error('the stream has no body');
    for await (const chunk of stream.body.pipeThrough(new TextDecoderStream())) {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('data:')) events.push(activity.parse(JSON.parse(line.slice(5))));
    }
  };
  const reading = read().catch((error: unknown) => {
    if (!abort.signal.aborted) throw error;
  });
  return {
    /** All events so far, in order. */
    all: () => events.filter(({ detailType }) => detailType !== undefined),
    /** The details of all events of a type so far, in order. */
    of: (detailType: string) =>
      events.flatMap((one) => (one.detailType === detailType && one.detail ? [one.detail] : [])),
    async stop(): Promise<void> {
      abort.abort();
      await reading;
    },
  };
}
