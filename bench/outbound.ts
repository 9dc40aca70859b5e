import { loadavg } from 'node:os';
import { round1 } from '../cli/simulate/timing.ts';
import { drain, simultaneous } from './drain.ts';
import { reportProgress } from './engine.ts';
import { faults } from './faults.ts';
import { measureLedger, textRow } from './ledger.ts';
import { atMost, type Figure, modelFigures } from './model.ts';

/** The aims of the send path, measured on the local engine and in virtual time. */
export async function outboundFigures() {
  const rows: object[] = (await modelFigures()).map((figure) => ({ where: 'model', ...figure }));
  for (const measure of [drainFigures, orderFigures, costFigures, faultsFigures]) {
    const figures = await measure();
    for (const { what, value, aim } of figures) reportProgress(`${what}: ${value} (${aim})`);
    // The machine's load. Above the number of cores, ratios show the machine's limit.
    const load = round1(loadavg()[0] ?? 0);
    rows.push(...figures.map((figure) => ({ where: 'engine', ...figure, load })));
  }
  return rows;
}

const drainRate = 10;

async function drainFigures(): Promise<Figure[]> {
  const rows = await drain([drainRate]);
  return rows.flatMap(({ chats, ratio, rateLimited, lost, twice, outOfOrder }) => {
    const what = `drain of 1,000 messages of ${chats} chats at ${drainRate}/s`;
    return [
      atMost(`${what}: time ÷ ideal`, ratio, 1.05),
      atMost(`${what}: 429`, rateLimited, 0),
      atMost(`${what}: lost, twice or out of order`, lost + twice + outOfOrder, 0),
    ];
  });
}

async function orderFigures(): Promise<Figure[]> {
  const { outOfOrder, lost, twice } = await simultaneous();
  const what = '2,000 requests of 400 chats in 1 s';
  return [atMost(`${what}: out of order`, outOfOrder, 0), atMost(`${what}: lost or twice`, lost + twice, 0)];
}

async function faultsFigures(): Promise<Figure[]> {
  const rows = await faults();
  const what = '300 messages of 20 chats, 30 % faults, crashes';
  const max = (field: 'lost' | 'sentTwice' | 'withoutExecution' | 'running') =>
    Math.max(...rows.map((row) => row[field]));
  return [
    atMost(`${what}: lost`, max('lost'), 0),
    atMost(`${what}: twice`, max('sentTwice'), 0),
    atMost(`${what}: out of order`, rows[0]?.outOfOrder ?? 0, 0),
    atMost(`${what}: executions that did not end`, max('running'), 0),
    atMost(`${what}: redriven dead letters without an execution`, max('withoutExecution'), 0),
    atMost(`${what}: dead letters after the redrives`, rows.at(-1)?.inDeadLetters ?? 0, 0),
  ];
}

async function costFigures(): Promise<Figure[]> {
  const { rows } = await measureLedger();
  const sent = rows[textRow('sent', 500)];
  if (!sent) throw new Error('the ledger has no such row');
  const invocations = Object.values(sent.invocations).reduce((sum, count) => sum + count, 0);
  return [
    atMost('a text of 0.5 KB: transitions', sent.transitions, 1),
    atMost('a text of 0.5 KB: invocations', invocations, 2),
    atMost('a text of 0.5 KB: write units', sent.writeUnits, 12),
  ];
}
