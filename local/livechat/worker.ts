import { parentPort, workerData } from 'node:worker_threads';
import { sharedInFlight } from '../in-flight.ts';
import { startSimulator } from './server.ts';
import type { ThreadSettings } from './thread.ts';

/** The simulator in its thread; see thread.ts, which ends it. */

const { owed, ...settings }: ThreadSettings = workerData;
const { port } = await startSimulator({ ...settings, begin: sharedInFlight(owed).begin });
parentPort?.postMessage({ port });
