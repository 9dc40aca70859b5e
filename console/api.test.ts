import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startServer } from '../test/http-server.ts';

let aws: Awaited<ReturnType<typeof startServer>>;

beforeAll(async () => {
  aws = await startServer((response) => {
    const error = { __type: 'ExpiredTokenException', message: 'The security token included in the request is expired' };
    response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(error));
  });
  const names = ['CONVERSATIONS_TABLE', 'MESSAGES_TABLE', 'CONTROL_TABLE', 'MEDIA_BUCKET', 'BUS_NAME', 'SECRET_PREFIX'];
  for (const name of [...names, 'SEND_MACHINE_ARN', 'DEAD_LETTER_QUEUE_URL']) vi.stubEnv(name, 'unused');
  vi.stubEnv('AWS_ENDPOINT_URL', aws.url);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'mine');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'mine');
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await aws.stop();
});

it.each(['conversations', 'dead-letters', 'executions', 'rate-limits'])(
  'names the error of AWS if %s cannot be read, such as for expired credentials',
  async (path) => {
    const { api } = await import('./api.ts');
    const response = await api({ bus: 'bus' }).request(`/${path}`);
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ error: { message: 'Cannot read the tables: ExpiredTokenException' } });
  },
);

it('names the error of AWS if a stage cannot be polled', async () => {
  const { pollStage } = await import('./stage/poll.ts');
  const error = new Promise((resolve) => pollStage(resolve)(() => {}));
  expect(await error).toBe(
    'Cannot read the stage: ExpiredTokenException: The security token included in the request is expired',
  );
});
