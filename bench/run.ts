import { parseArgs } from 'node:util';
import { coldStart } from './cold-start.ts';
import { consoleTimes } from './console.ts';
import { drain } from './drain.ts';
import { reportProgress, withCapacity, withLocal, withLogs } from './engine.ts';
import { faults } from './faults.ts';
import { forgedCalls } from './forged.ts';
import { handlerTime } from './handler.ts';
import { measureLedger } from './ledger.ts';
import { ledgerTables, writeCostPage, writeLedger } from './ledger-page.ts';
import { measureMemory, writeDurations } from './memory.ts';
import { modelFigures } from './model.ts';
import { outboundFigures } from './outbound.ts';
import { reconcileCosts, reconcileRate } from './reconcile.ts';
import { throughput } from './throughput.ts';

type Tables = Readonly<Record<string, readonly object[]>>;

const benchmarks: Readonly<Record<string, { readonly what: string; readonly run: () => Promise<Tables> }>> = {
  coldStart: {
    what: 'size, import and first invocation of every function, compared with one SDK client; takes minutes',
    run: async () => ({ coldStart: await coldStart(15) }),
  },
  memory: {
    what: 'latency and price of every function at the CPU shares of several memory sizes; Linux; takes ten minutes',
    run: memory,
  },
  handler: { what: "the webhook's CPU time", run: async () => ({ handler: await handlerTime(8_000) }) },
  ledger: {
    what: 'what AWS bills for each kind of message, with every item that it reads and writes; takes minutes',
    run: ledger,
  },
  forged: {
    what: '500 forged webhooks per second beside genuine ones in virtual time: secret look-ups, price and latency',
    run: async () => ({ forged: await forgedCalls() }),
  },
  reconcile: {
    what: 'calls, reads, writes and events of reconciliation over 1,000 threads; takes minutes',
    run: () => withCapacity(reconcileRate, reconcileCosts, withLogs),
  },
  throughput: {
    what: 'webhooks per second through the whole local engine',
    run: () => withLocal({}, async (local) => ({ throughput: [await throughput(local, 50, 60)] })),
  },
  console: {
    what: "the console's API with 10,000 conversations, compared with 100",
    run: () => withLocal({}, async (local) => ({ console: await consoleTimes(local) })),
  },
  drain: {
    what: 'a burst of 1,000 send requests at a rate limit; takes minutes',
    run: async () => ({ drain: await drain(ratesPerSecond()) }),
  },
  faults: {
    what: '300 messages while LiveChat fails and functions crash; takes minutes',
    run: async () => ({ faults: await faults() }),
  },
  model: {
    what: 'the send path under load in virtual time, with its aims',
    run: async () => ({ model: await modelFigures() }),
  },
  outbound: {
    what: 'every aim of the send path, on the local engine and in virtual time; takes ten minutes',
    run: async () => ({ outbound: await outboundFigures() }),
  },
};
const names = Object.keys(benchmarks);
/** `outbound` repeats other benchmarks. `memory` needs Linux and an idle machine. */
const chosenByDefault = names.filter((name) => name !== 'outbound' && name !== 'memory');

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: chosenByDefault.join(',') },
    rate: { type: 'string', default: '10' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(help());
else await run(values.only.split(','));

async function ledger(): Promise<Tables> {
  const measured = await measureLedger();
  if (values.write) writeLedger(measured);
  return ledgerTables(measured);
}

async function memory(): Promise<Tables> {
  const rows = await measureMemory(1);
  if (values.write) {
    writeDurations(rows);
    writeCostPage();
  }
  return { memory: rows };
}

async function run(wanted: readonly string[]): Promise<void> {
  const chosen = wanted.flatMap((name) => benchmarks[name] ?? []);
  if (chosen.length < wanted.length) {
    rejectOption(`--only ${wanted.join(',')}: expected one or more of ${names.join(', ')}`);
  }
  const result: Record<string, readonly object[]> = {};
  for (const benchmark of chosen) {
    const tables = await benchmark.run();
    Object.assign(result, tables);
    if (!values.json) print(tables);
  }
  if (values.json) console.log(JSON.stringify(result));
}

function ratesPerSecond(): number[] {
  const rates = values.rate.split(',').map(Number);
  if (rates.every((rate) => Number.isInteger(rate) && rate > 0)) return rates;
  return rejectOption(`--rate ${values.rate}: expected whole numbers of calls per second, such as 10 or 10,20,40`);
}

function rejectOption(message: string): never {
  reportProgress(message);
  process.exit(1);
}

function print(tables: Tables): void {
  for (const [name, rows] of Object.entries(tables)) {
    console.log(`\n${name}`);
    console.table(rows);
  }
}

function help(): string {
  const width = Math.max(...names.map((name) => name.length));
  return `npm run bench [-- --only NAME[,NAME] --rate R[,R] --json --write]

Compare ratios within one run, because machines differ. cpuMs is CPU time of the whole local engine for each message; other
load on the machine affects it least. Two cores sustain a drain of about 20 calls per second; above that, see cpuShare.

${names.map((name) => `  ${name.padEnd(width)}  ${benchmarks[name]?.what}`).join('\n')}

  --only   run only these benchmarks (default: all but outbound and memory)
  --rate   LiveChat's limit in calls per second for drain, one or more values (default: 10, the bridge's default)
  --write  with ledger or memory: write bench/ledger.json or bench/durations.json, and the tables of docs/explanation/cost.md
  --json   print one JSON object instead of tables; progress goes to stderr`;
}
