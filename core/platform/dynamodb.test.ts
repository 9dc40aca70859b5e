import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { expect, it, onTestFinished, vi } from 'vitest';

it('does not count the time in which a call waits for a socket as a connection timeout', async () => {
  const slow = createServer((_request, response) => {
    setTimeout(() => response.end('{}'), 1200);
  });
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    vi.unstubAllEnvs();
    slow.closeAllConnections();
    slow.close();
  });
  const { port }: AddressInfo = JSON.parse(JSON.stringify(slow.address()));
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${port}`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'local');
  const { documents } = await import('./dynamodb.ts');
  const pks = Array.from({ length: 120 }, (_, index) => `${index}`);
  const calls = pks.map((pk) => documents.send(new GetCommand({ TableName: 'table', Key: { pk } })));
  const outcomes = await Promise.allSettled(calls);
  expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
});
