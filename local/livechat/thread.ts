import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import * as z from 'zod/mini';
import type { RunningSimulator, SimulatorOptions } from './server.ts';

/** What goes to a thread as it is. */
export type ThreadSettings = Pick<
  SimulatorOptions,
  'port' | 'webhookUrl' | 'secretKey' | 'organizationId' | 'clientId' | 'agentId' | 'accountId' | 'apiKey'
> & {
  /** Counter of webhooks that are not delivered yet, see `sharedInFlight`. */
  readonly owed: SharedArrayBuffer;
};

const listening = z.object({ port: z.number() });

/**
 * Starts the simulator in a thread of its own. LiveChat is another machine: how busy this one is must not change when
 * a call arrives there, or its rate limit would refuse calls that were well apart.
 */
export async function startSimulatorThread(settings: ThreadSettings): Promise<RunningSimulator> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    name: 'livechat',
    workerData: settings,
    execArgv: [],
  });
  const [message] = await once(worker, 'message');
  return {
    port: listening.parse(message).port,
    stop: async () => {
      await worker.terminate();
    },
  };
}
