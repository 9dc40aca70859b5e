import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { startServer } from '../test/http-server.ts';

const historyRequest = z.object({ maxResults: z.number(), reverseOrder: z.boolean() });
const total = 1_500;

/** Step Functions with one execution, whose history has more events than one response may contain. */
let stepFunctions: Awaited<ReturnType<typeof startServer>>;
beforeAll(async () => {
  stepFunctions = await startServer((response, { headers }) => {
    const body = stepFunctions.received.at(-1)?.body.toString() ?? '';
    response.setHeader('content-type', 'application/x-amz-json-1.0');
    if (headers['x-amz-target'] === 'AWSStepFunctions.DescribeExecution') {
      return response.end(JSON.stringify({ executionArn: 'arn', name: 'name', status: 'SUCCEEDED', startDate: 1 }));
    }
    const { maxResults, reverseOrder } = historyRequest.parse(JSON.parse(body));
    const events = Array.from({ length: total }, (_, index) => ({ id: index + 1, timestamp: index, type: 'Event' }));
    const ordered = reverseOrder ? events.toReversed() : events;
    return response.end(JSON.stringify({ events: ordered.slice(0, maxResults), nextToken: 'more' }));
  });
  vi.stubEnv('AWS_ENDPOINT_URL', stepFunctions.url);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
});
afterAll(() => stepFunctions.stop());

it('reads the last events of an execution, oldest first, and says that there are earlier ones', async () => {
  const { reads } = await import('./operations.ts');
  const { history, hasEarlierEvents } = await reads['/executions/:id']({
    id: 'arn:aws:states:us-east-1:000000000000:execution:send:name',
    query: {},
    signal: AbortSignal.timeout(10_000),
  });
  expect(history.map(({ id }) => id)).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 501));
  expect(hasEarlierEvents).toBe(true);
});
