import { recordCapacity } from './capacity.ts';
import { sendCosts } from './cost.ts';
import { drain, simultaneous } from './drain.ts';
import { withLocal } from './engine.ts';
import { faults } from './faults.ts';
import { simulatorEnvironment } from './livechat.ts';
import { atMost, type Figure, modelFigures } from './model.ts';

interface Row extends Figure {
  readonly where: 'engine' | 'model';
}

/** The aims of the send path, measured on the local engine and in virtual time. */
export async function outboundFigures(): Promise<Row[]> {
  const model = await modelFigures();
  const engine = [
    ...(await drainFigures()),
    ...(await orderFigures()),
    ...(await faultsFigures()),
    ...(await costFigures()),
  ];
  return [
    ...engine.map((figure): Row => ({ where: 'engine', ...figure })),
    ...model.map((figure): Row => ({ where: 'model', ...figure })),
  ];
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
  const last = rows.at(-1);
  const max = (field: 'sentTwice' | 'withoutExecution' | 'running') => Math.max(...rows.map((row) => row[field]));
  return [
    atMost(`${what}: lost`, Math.max(...rows.map(({ lost }) => lost)), 0),
    atMost(`${what}: twice`, max('sentTwice'), 0),
    atMost(`${what}: out of order`, rows[0]?.outOfOrder ?? 0, 0),
    atMost(`${what}: executions that did not end`, max('running'), 0),
    atMost(`${what}: redriven dead letters without an execution`, max('withoutExecution'), 0),
    atMost(`${what}: dead letters after the redrives`, last?.inDeadLetters ?? 0, 0),
  ];
}

async function costFigures(): Promise<Figure[]> {
  const capacity = recordCapacity();
  const environment = { ...simulatorEnvironment, ...capacity.environment, LIVECHAT_CALLS_PER_SECOND: '200' };
  const { sending } = await withLocal(environment, (local) => sendCosts(local, capacity));
  const what = 'a text of 0.5 KB';
  return [
    atMost(`${what}: transitions`, sending.transitions, 1),
    atMost(`${what}: invocations`, sending.invocations, 2),
    atMost(`${what}: write units`, sending.writeUnits, 12),
    atMost(`${what}: DescribeExecution`, sending.describeExecutions, 0),
  ];
}
