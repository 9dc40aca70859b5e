/** How much a randomized test repeats: little in `npm test`, everything in `npm run test:all` (vitest's mode `all`). */
const isThorough = process.env.TEST_DEPTH === 'all';

/** fast-check's number of runs of one property. */
export const propertyRuns = (thorough: number) => ({ numRuns: isThorough ? thorough : Math.min(thorough, 100) });

/** The number of simulated worlds of the model test. */
export const modelWorlds = isThorough ? 500 : 100;

/** Every n-th number up to a limit. */
const upTo = (limit: number, step: number) =>
  Array.from({ length: Math.floor(limit / step) }, (_, index) => 1 + index * step);

/** Outage drills: how many chats live, by which seeds, and before which calls a run is killed. */
export const drill = isThorough
  ? { chats: 300, seeds: [1], killedBefore: { livechat: upTo(12, 2), events: upTo(8, 2), dynamodb: upTo(120, 9) } }
  : { chats: 20, seeds: [1], killedBefore: { livechat: [1, 2, 4], events: [1, 3], dynamodb: [1, 2, 8, 40] } };
