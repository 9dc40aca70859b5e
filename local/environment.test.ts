import { expect, test, vi } from 'vitest';
import * as topology from '../stacks/topology.ts';
import { functionEnvironment, localCredentials, replaceProcessEnvironment } from './environment.ts';

function environmentWith(inherited: Record<string, string>): Record<string, string> {
  return functionEnvironment({
    topology,
    inherited,
    endpoint: 'http://127.0.0.1:1',
    secretPrefix: 'livechat',
    deadLetterQueueUrl: 'http://127.0.0.1:1/000000000000/dead-letters',
    liveChatUrl: 'http://localhost:2',
  });
}

test('sets every variable of the topology', () => {
  expect(environmentWith({ PATH: '/bin' })).toEqual({
    PATH: '/bin',
    LOG_LEVEL: 'INFO',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_LAMBDA_LOG_FORMAT: 'JSON',
    POWERTOOLS_SERVICE_NAME: 'livechat',
    CONVERSATIONS_TABLE: 'conversations',
    MESSAGES_TABLE: 'messages',
    CONTROL_TABLE: 'control',
    SEND_MACHINE_ARN: 'arn:aws:states:us-east-1:000000000000:stateMachine:send',
    BUS_NAME: 'omnichannel',
    SECRET_PREFIX: 'livechat',
    MEDIA_BUCKET: 'media',
    DEAD_LETTER_QUEUE_URL: 'http://127.0.0.1:1/000000000000/dead-letters',
    LIVECHAT_API_BASE_URL: 'http://localhost:2',
    MEDIA_SIMULATOR_URL: 'http://localhost:2',
  });
});

test('inherits no AWS setting of the machine', () => {
  const environment = environmentWith({
    AWS_PROFILE: 'production',
    AWS_ENDPOINT_URL_DYNAMODB: 'https://dynamodb.us-east-1.amazonaws.com',
    AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true',
    AWS_SESSION_TOKEN: 'real',
    AWS_ACCESS_KEY_ID: 'real',
    LOG_LEVEL: 'DEBUG',
  });

  expect(environment).toMatchObject({ AWS_ACCESS_KEY_ID: 'local', LOG_LEVEL: 'DEBUG' });
  expect(
    Object.keys(environment)
      .filter((name) => name.startsWith('AWS_'))
      .sort(),
  ).toEqual(['AWS_ACCESS_KEY_ID', 'AWS_ENDPOINT_URL', 'AWS_LAMBDA_LOG_FORMAT', 'AWS_REGION', 'AWS_SECRET_ACCESS_KEY']);
});

test("replaces and restores the process's environment", () => {
  vi.stubEnv('AWS_PROFILE', 'production');
  const before = { ...process.env };

  const restore = replaceProcessEnvironment({ ONLY: 'this' });
  expect(process.env).toEqual({ ONLY: 'this' });
  restore();

  expect(process.env).toEqual(before);
  vi.unstubAllEnvs();
});

test('reads credentials from the environment and generates missing ones', () => {
  const given = { LIVECHAT_WEBHOOK_SECRET: 'my own secret', LIVECHAT_API_KEY: '', LIVECHAT_ORGANIZATION_ID: 'org' };

  const { secret, organizationId, generated } = localCredentials(given);

  expect(organizationId).toBe('org');
  expect(secret).toEqual({
    LIVECHAT_WEBHOOK_SECRET: 'my own secret',
    LIVECHAT_API_KEY: expect.stringMatching(/^local-/),
    LIVECHAT_ACCOUNT_ID: expect.stringMatching(/^[0-9a-f-]{36}$/),
    LIVECHAT_CLIENT_ID: expect.stringMatching(/^[0-9a-f]{32}$/),
    LIVECHAT_AGENT_ID: 'bridge@local.example',
    LIVECHAT_ORGANIZATION_ID: 'org',
  });
  const { LIVECHAT_WEBHOOK_SECRET: _, LIVECHAT_ORGANIZATION_ID: __, ...others } = secret;
  expect(generated).toEqual(others);
});

test('rejects a secret that is too short with the name of the setting', () => {
  expect(() => localCredentials({ LIVECHAT_WEBHOOK_SECRET: 'seven77' })).toThrow(
    'LIVECHAT_WEBHOOK_SECRET must have at least 8 characters; it has 7',
  );
});
