import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

/** An AWS that takes every call and never answers: a function must not hang with it until its own end. */
let silent: Server;
let calls = 0;
beforeAll(async () => {
  silent = createServer(() => {
    calls += 1;
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port }: AddressInfo = JSON.parse(JSON.stringify(silent.address()));
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${port}`);
  vi.stubEnv('DEAD_LETTER_QUEUE_URL', `http://127.0.0.1:${port}/0/dead-letters`);
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'local');
  for (const name of ['BUS_NAME', 'SEND_MACHINE_ARN', 'MEDIA_BUCKET']) vi.stubEnv(name, 'name');
  vi.stubEnv('AWS_REGION', 'us-east-1');
});
afterAll(() => {
  vi.unstubAllEnvs();
  silent.closeAllConnections();
  silent.close();
});

it.concurrent.each<[string, () => Promise<unknown>]>([
  ['DynamoDB', async () => (await import('./dynamodb.ts')).documents.send(await getItem())],
  ['SQS', async () => (await import('./queue.ts')).sendToDeadLetterQueue({}, 1)],
  ['Step Functions', async () => (await import('./step-functions.ts')).isRunning('arn')],
])('a %s that does not answer is an error, after its tries', { timeout: 25_000 }, async (_name, call) => {
  await expect(call()).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(calls).toBeGreaterThan(1);
});

async function getItem() {
  const { GetCommand } = await import('@aws-sdk/lib-dynamodb');
  return new GetCommand({ TableName: 'table', Key: { pk: '1' } });
}
