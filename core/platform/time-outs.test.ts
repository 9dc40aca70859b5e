import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

/** A server that never responds. Clients must time out before the function does. */
let unresponsive: Server;
let calls = 0;
beforeAll(async () => {
  unresponsive = createServer(() => {
    calls += 1;
  });
  await new Promise<void>((resolve) => unresponsive.listen(0, '127.0.0.1', resolve));
  const { port }: AddressInfo = JSON.parse(JSON.stringify(unresponsive.address()));
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${port}`);
  vi.stubEnv('DEAD_LETTER_QUEUE_URL', `http://127.0.0.1:${port}/0/dead-letters`);
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'local');
  for (const name of ['BUS_NAME', 'SEND_MACHINE_ARN', 'MEDIA_BUCKET']) vi.stubEnv(name, 'name');
  vi.stubEnv('AWS_REGION', 'us-east-1');
});
afterAll(() => {
  vi.unstubAllEnvs();
  unresponsive.closeAllConnections();
  unresponsive.close();
});

it.concurrent.each<[string, () => Promise<unknown>]>([
  ['DynamoDB', async () => (await import('./dynamodb.ts')).documents.send(await getItem())],
  ['SQS', async () => (await import('./queue.ts')).sendToDeadLetterQueue({}, 1)],
  ['signed-request', async () => (await import('./signed-requests.ts')).readSecret('name', 'AWSCURRENT')],
  ['Step Functions', async () => (await import('./step-functions.ts')).executionStatus('name')],
])(
  'the %s client retries, and throws TimeoutError before the function times out',
  { timeout: 55_000 },
  async (_name, call) => {
    await expect(call()).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(calls).toBeGreaterThan(1);
  },
);

async function getItem() {
  const { GetCommand } = await import('@aws-sdk/lib-dynamodb');
  return new GetCommand({ TableName: 'table', Key: { pk: '1' } });
}
