import { readFileSync } from 'node:fs';
import { percentile } from '../cli/simulate/timing.ts';
import { Credentials } from '../core/livechat/credentials.ts';
import { lambdaContext, webhookEvent } from '../test/webhook-event.ts';

const fixtures = new URL('../test/fixtures/livechat/', import.meta.url);
const secret = 'whsec-demo-3f9c1a7be2';
const silentLog = { debug() {}, info() {}, warn() {}, error() {} };

/** Measures CPU time of one webhook from request to events, with a bus that responds at once and a cached secret. */
export async function handlerTime(rounds: number) {
  process.env.SECRET_PREFIX ??= 'livechat';
  const credentials = new Credentials(process.env, {
    read: async () => ({ text: JSON.stringify({ LIVECHAT_WEBHOOK_SECRET: secret }), createdAt: 0 }),
  });
  process.env.BUS_NAME ??= 'bench';
  const { webhookHandler } = await import('../functions/webhook.ts');
  const handler = webhookHandler({
    credentials,
    record() {},
    publish: async () => {},
    maxBytes: 1_048_576,
    count() {},
    measure() {},
    log: silentLog,
  });
  const results: object[] = [];
  for (const body of ['incoming_event.message.customer.json', 'incoming_chat.json']) {
    const raw = readFileSync(new URL(body, fixtures));
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const start = performance.now();
      const { statusCode } = await handler(webhookEvent(raw), lambdaContext());
      if (statusCode !== 200) throw new Error(`the webhook answered ${statusCode}`);
      times.push((performance.now() - start) * 1000);
    }
    // The first calls run before the code is compiled.
    const measured = times.slice(rounds / 4);
    results.push({
      body,
      bytes: raw.byteLength,
      microseconds: Math.round(percentile(measured, 50)),
      p99: Math.round(percentile(measured, 99)),
    });
  }
  return results;
}
