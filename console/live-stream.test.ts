import { expect, it } from 'vitest';
import type { Activity } from './flow.ts';
import { createConsole } from './server.ts';

/** A console, and how to report an activity to it. */
function startConsole() {
  const listeners: ((activity: Activity) => void)[] = [];
  const app = createConsole({ bus: 'bus', subscribe: (listener) => listeners.push(listener) });
  return {
    open: async () => {
      const { body } = await app.fetch(new Request('http://localhost/api/stream', { headers: { host: 'localhost' } }));
      if (!body) throw new Error('no body');
      return body;
    },
    report: (activity: Activity) => {
      for (const listener of listeners) listener(activity);
    },
  };
}

const createActivity = (text: string): Activity => ({ type: 'event', at: '2026-11-28T04:00:00.000Z', text });

it('ends for a reader that is far behind, instead of storing the activities without a bound', async () => {
  const { open, report } = startConsole();
  const body = await open();
  const text = 'x'.repeat(100_000);
  for (let index = 0; index < 300; index += 1) report(createActivity(text));
  let length = 0;
  for await (const chunk of body) length += chunk.length;
  expect(length).toBeLessThan(11_000_000);
});
