import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { BatchGetCommand, GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
});

/** Imports the module with a server in place of DynamoDB. */
async function importWith(server: Server) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port }: AddressInfo = JSON.parse(JSON.stringify(server.address()));
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${port}`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'local');
  return import('./dynamodb.ts');
}

/** A server that returns at most `perCall` items of a batch, like DynamoDB with large items or with exceeded throughput. */
function batchServer(perCall: number) {
  return createServer(async (request, response) => {
    const { RequestItems } = JSON.parse(await text(request));
    const { Keys, ...rest } = RequestItems.table;
    const left = Keys.slice(perCall);
    const UnprocessedKeys = left.length > 0 ? { table: { ...rest, Keys: left } } : {};
    response.end(JSON.stringify({ Responses: { table: Keys.slice(0, perCall) }, UnprocessedKeys }));
  });
}

const batch = () => {
  const Keys = Array.from({ length: 5 }, (_, index) => ({ pk: `${index}` }));
  return new BatchGetCommand({ RequestItems: { table: { Keys, ConsistentRead: true } } });
};

it('reads the keys of a batch that DynamoDB left unprocessed', async () => {
  const { documents } = await importWith(batchServer(2));
  const { Responses, UnprocessedKeys } = await documents.send(batch());
  expect(Responses?.table).toEqual(['0', '1', '2', '3', '4'].map((pk) => ({ pk })));
  expect(UnprocessedKeys).toEqual({});
});

it('throws if DynamoDB processes no key of a batch', async () => {
  const { documents } = await importWith(batchServer(0));
  await expect(documents.send(batch())).rejects.toMatchObject({ name: 'BatchUnprocessed' });
});

it('does not count the time in which a call waits for a socket as a connection timeout', async () => {
  const slow = createServer((_request, response) => {
    setTimeout(() => response.end('{}'), 1200);
  });
  const { documents } = await importWith(slow);
  const pks = Array.from({ length: 120 }, (_, index) => `${index}`);
  const calls = pks.map((pk) => documents.send(new GetCommand({ TableName: 'table', Key: { pk } })));
  const outcomes = await Promise.allSettled(calls);
  expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
});
