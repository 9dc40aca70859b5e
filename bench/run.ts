import { parseArgs } from 'node:util';
import { startLocal } from '../test/local.ts';
import { coldStart } from './cold-start.ts';
import { handlerTime } from './handler.ts';
import { ledger } from './ledger.ts';
import { throughput } from './throughput.ts';

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});

if (values.help) {
  console.log(`npm run bench [-- --json]

Measures bundle size and import time of the webhook, its handler's CPU time, the local engine's throughput, and the AWS
calls of each webhook with their list price. Compare ratios within one run: machines differ.

  --json   print one JSON object instead of tables`);
} else {
  const started = { coldStart: await coldStart(15), handler: await handlerTime(8_000) };
  const local = await startLocal({ LOG_LEVEL: 'WARN' });
  try {
    const result = { ...started, ledger: await ledger(local), throughput: [await throughput(local, 50, 60)] };
    if (values.json) console.log(JSON.stringify(result));
    else print(result);
  } finally {
    await local.stop();
  }
}

function print(result: Readonly<Record<string, readonly object[]>>): void {
  for (const [name, rows] of Object.entries(result)) {
    console.log(`\n${name}`);
    console.table(rows);
  }
}
