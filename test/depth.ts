/** How much a randomized test repeats: little in `npm test`, everything in `npm run test:all` (vitest's mode `all`). */
const isThorough = process.env.TEST_DEPTH === 'all';

/** fast-check's number of runs of one property. */
export const propertyRuns = (thorough: number) => ({ numRuns: isThorough ? thorough : Math.min(thorough, 100) });

/** The number of simulated worlds of the model test. */
export const modelWorlds = isThorough ? 500 : 100;

/** Outage drills: how many chats live, by which seeds, and before how many calls of each service a run is killed. */
export const drill = isThorough ? { chats: 300, seeds: [1], kills: 12 } : { chats: 20, seeds: [1], kills: 4 };
