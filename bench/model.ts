import { reportProgress, round2 } from './engine.ts';

/** A figure of the table of aims. */
export interface Figure {
  readonly what: string;
  readonly value: string;
  readonly aim: string;
  readonly isMet: boolean;
}

const calm = { seed: 1, callsPerSecond: 10, faults: 0 };
type Scenarios = typeof import('../test/model/scenarios.ts');

/** The breaker seldom opens, so that a figure of a few worlds would be a matter of luck. */
const breakerWorlds = 20;

export const atMost = (what: string, value: number, max: number, unit = ''): Figure => ({
  what,
  value: `${round2(value)}${unit}`,
  aim: max === 0 ? '0' : `≤ ${max}${unit}`,
  isMet: value <= max,
});

/** The send path under load in virtual time: the real code over a model of AWS and LiveChat. */
export async function modelFigures(): Promise<Figure[]> {
  // The tables are in memory, but their modules require names when they are imported.
  const tableNames = { CONTROL_TABLE: 'control', MESSAGES_TABLE: 'messages', CONVERSATIONS_TABLE: 'conversations' };
  Object.assign(process.env, tableNames);
  const loaded = await import('../test/model/scenarios.ts');
  const figures: Figure[] = [];
  for (const [name, measure] of Object.entries(scenarios)) {
    reportProgress(`model: ${name}`);
    figures.push(...(await measure(loaded)));
  }
  return figures;
}

const scenarios: Readonly<Record<string, (scenarios: Scenarios) => Promise<Figure[]>>> = {
  async drain({ drain }) {
    const figures: Figure[] = [];
    for (const [callsPerSecond, chats, max] of [
      [10, 50, 1.05],
      [10, 5, 1.05],
      [20, 50, 1.06],
      [40, 50, 1.06],
    ] as const) {
      const { ratio, rateLimited } = await drain({ ...calm, callsPerSecond, chats });
      const what = `drain of 1,000 messages of ${chats} chats at ${callsPerSecond}/s`;
      figures.push(atMost(`${what}: time ÷ ideal`, ratio, max), atMost(`${what}: 429`, rateLimited, 0));
    }
    return figures;
  },
  async 'noisy neighbours'({ noisyNeighbours }) {
    const { p50, p99 } = await noisyNeighbours(calm);
    return [
      atMost('beside 10 organizations with a backlog: p50', p50, 0.5, ' s'),
      atMost('beside 10 organizations with a backlog: p99', p99, 0.7, ' s'),
    ];
  },
  async 'paused organization'({ pausedOrganization }) {
    const { p99, concurrency } = await pausedOrganization(calm);
    return [
      atMost('beside a paused organization: p99', p99, 0.7, ' s'),
      atMost('beside a paused organization: concurrency of all', concurrency, 2),
    ];
  },
  breaker: async ({ drain }) => [await breakerFigure(drain, 0.2, 0.5), await breakerFigure(drain, 0.3, 3)],
  async outage({ outage }) {
    const { recovered, transitions } = await outage(calm);
    return [
      atMost('outage of 85 s, 1,000 requests: recovered after', recovered, 120, ' s'),
      atMost('outage of 85 s, 1,000 requests: transitions for each', transitions, 7),
    ];
  },
  async steady({ steady }) {
    const { concurrencySeconds } = await steady({ ...calm, seconds: 30 });
    return [atMost('steady 200/s: concurrency-seconds for each message', concurrencySeconds, 0.3)];
  },
  async routing({ routingBesideBacklog }) {
    const { p99, refused } = await routingBesideBacklog(calm);
    return [
      atMost('routing beside 1,000 sends of 300 chats: p99', p99, 2, ' s'),
      atMost('routing beside 1,000 sends of 300 chats: given up', refused, 0),
    ];
  },
  async 'drain beside a backfill'({ drainBesideBackfill }) {
    const figures: Figure[] = [];
    for (const callsPerSecond of [10, 20]) {
      const options = { ...calm, callsPerSecond, backfillAt: 0 };
      const { sendsRatio, backfillRatio, rateLimited } = await drainBesideBackfill(options);
      const what = (ofWhat: string) => `${ofWhat} at ${callsPerSecond}/s: time ÷ ideal at its share`;
      figures.push(
        atMost(what('drain of 1,000 messages beside a backfill of 1,000 chats'), sendsRatio, 1.05),
        atMost(what('backfill of 1,000 chats beside a drain of 1,000 messages'), backfillRatio, 1.05),
        atMost(`drain and backfill at ${callsPerSecond}/s: 429`, rateLimited, 0),
      );
    }
    return figures;
  },
  async 'long message group'({ longGroup }) {
    const { first, last, waiting, sentFirst, dead } = await longGroup({ ...calm, requests: 20_000 });
    const outOfOrder = sentFirst.filter((id, index) => id !== waiting[index]).length;
    return [
      atMost('20,000 requests of one conversation: not accepted', 20_000 - waiting.length + dead, 0),
      atMost('20,000 requests of one conversation: reads and writes of the last ÷ the first', last / first, 1.2),
      atMost('20,000 requests of one conversation: out of order among the first 100', outOfOrder, 0),
    ];
  },
};

/** How often random faults of single calls open the breaker. */
async function breakerFigure(drain: Scenarios['drain'], faults: number, max: number): Promise<Figure> {
  let opened = 0;
  let calls = 0;
  for (let seed = 1; seed <= breakerWorlds; seed += 1) {
    const result = await drain({ ...calm, seed, faults, chats: 50 });
    opened += result.opened;
    calls += result.calls;
  }
  return atMost(`breaker opens in 1,000 calls, ${faults * 100} % of them failing`, (opened / calls) * 1000, max);
}
