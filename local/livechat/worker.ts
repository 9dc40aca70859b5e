import { once } from 'node:events';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import * as z from 'zod/mini';
import { createInFlight } from '../in-flight.ts';
import type { RunningSimulator, SimulatorOptions } from './server.ts';

/** The options of the simulator in a worker thread. */
export type SimulatorSettings = Omit<
  SimulatorOptions,
  'clock' | 'random' | 'retryDelaysMs' | 'onActivity' | 'track' | 'accessToken'
> & {
  /** The counter of pending webhooks, see `createInFlight`. */
  readonly pendingWebhooks: SharedArrayBuffer;
};

const listening = z.object({ port: z.number() });

/**
 * Starts the simulator in a worker thread. Otherwise load on the main thread would delay calls, and the simulated rate
 * limit would reject calls that were sent far enough apart.
 */
export async function startSimulatorThread(settings: SimulatorSettings): Promise<RunningSimulator> {
  const worker = new Worker(new URL(import.meta.url), {
    name: 'livechat',
    workerData: { simulator: settings },
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

/** Set in the thread that `startSimulatorThread` starts. */
const settings: SimulatorSettings | undefined = workerData?.simulator;

if (settings) {
  const { startSimulator } = await import('./server.ts');
  const { pendingWebhooks, ...options } = settings;
  const { port } = await startSimulator({ ...options, track: createInFlight(pendingWebhooks).track });
  parentPort?.postMessage({ port });
}
