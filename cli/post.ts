import { describeCause } from './errors.ts';
import type { Send } from './replay.ts';

/** As long as LiveChat waits. */
const timeoutMs = 10_000;

export const sendTo =
  (url: string): Send =>
  async ({ body, headers }) => {
    try {
      const response = await fetch(url, {
        method: 'POST',
        body,
        headers,
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      });
      await response.arrayBuffer();
      return response.status;
    } catch (error) {
      return describeCause(error);
    }
  };
