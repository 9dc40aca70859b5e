import { readFileSync } from 'node:fs';
import { percentile } from '../cli/simulate/timing.ts';
import { Credentials } from '../core/livechat/credentials.ts';
import { lambdaContext, webhookEvent } from '../test/webhook-event.ts';

export interface HandlerTime {
  readonly body: string;
  readonly bytes: number;
  readonly microseconds: number;
  readonly p99: number;
}

const fixtures = new URL('../test/fixtures/livechat/', import.meta.url);
const secret = 'whsec-demo-3f9c1a7be2';
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** CPU time of one webhook from body to events, with a bus that takes all at once and a secret that is there. */
export async function handlerTime(rounds: number): Promise<HandlerTime[]> {
  const credentials = new Credentials({
    read: async () => ({ text: JSON.stringify({ LIVECHAT_WEBHOOK_SECRET: secret }), createdAt: 0 }),
    prefix: 'livechat',
    environment: {},
  });
  process.env.SECRET_PREFIX ??= 'livechat';
  process.env.BUS_NAME ??= 'bench';
  const { webhookHandler } = await import('../functions/webhook.ts');
  const handler = webhookHandler({
    credentials,
    publish: async () => {},
    maxBytes: 1_048_576,
    count: () => {},
    measure: () => {},
    log: quiet,
  });
  const results: HandlerTime[] = [];
  for (const body of ['incoming_event.message.customer.json', 'incoming_chat.json']) {
    const raw = readFileSync(new URL(body, fixtures));
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const start = performance.now();
      await handler(webhookEvent(raw), lambdaContext());
      times.push((performance.now() - start) * 1000);
    }
    // The first calls run before the compiler has got to them.
    const warm = times.slice(rounds / 4);
    results.push({
      body,
      bytes: raw.byteLength,
      microseconds: Math.round(percentile(warm, 50)),
      p99: Math.round(percentile(warm, 99)),
    });
  }
  return results;
}
