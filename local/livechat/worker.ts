import { parentPort, workerData } from 'node:worker_threads';
import { startSimulator } from './server.ts';

/** The simulator in its thread; see thread.ts, which ends it. */

const { port } = await startSimulator(workerData);
parentPort?.postMessage({ port });
