/** How much a randomized test repeats: little in `npm test`, everything in `npm run test:all` (vitest's mode `all`). */
const isThorough = process.env.TEST_DEPTH === 'all';

/** fast-check's number of runs of one property. */
export const propertyRuns = (thorough: number) => ({ numRuns: isThorough ? thorough : Math.min(thorough, 100) });

/** The number of simulated worlds of the model test. */
export const modelWorlds = isThorough ? 500 : 100;

/** Outage drills: how many chats live, and by which seeds. */
export const drill = isThorough ? { chats: 300, seeds: [1, 2] } : { chats: 20, seeds: [1] };
