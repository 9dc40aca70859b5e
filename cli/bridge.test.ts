import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { beforeAll, describe, expect, test } from 'vitest';
import { cliFor, startLivechat } from '../test/cli.ts';
import { organizationId } from '../test/local.ts';
import { type SharedLocal, sharedLocal } from '../test/shared-local.ts';
import { describeChoice } from './bridge.ts';

const nowhere = 'http://127.0.0.1:1';

describe('finding the bridge', () => {
  let local: SharedLocal;
  beforeAll(async () => {
    local = await sharedLocal();
  });

  const parameters = () =>
    new SSMClient({
      endpoint: local.aws,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
  const putOutputs = (stage: string, outputs: unknown) =>
    parameters().send(
      new PutParameterCommand({
        Name: `/livechat/${stage}/outputs`,
        Value: JSON.stringify(outputs),
        Type: 'String',
        Overwrite: true,
      }),
    );
  const withAws = () => ({
    AWS_ENDPOINT_URL: local.aws,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'mine',
    AWS_SECRET_ACCESS_KEY: 'mine',
  });

  test('the outputs of the local engine name its resources and contain no secret', async () => {
    const { Parameter } = await parameters().send(new GetParameterCommand({ Name: '/livechat/local/outputs' }));
    expect(JSON.parse(Parameter?.Value ?? '')).toMatchObject({
      environment: { MESSAGES_TABLE: 'messages', LIVECHAT_API_BASE_URL: local.livechat },
      webhookUrl: local.webhook,
    });
    expect(Parameter?.Value).not.toContain(local.secret);
  });

  test('finds a stage by its outputs', async () => {
    const environment = Object.fromEntries(Object.entries(local.environment).filter(([name]) => !/^AWS_/.test(name)));
    await putOutputs('blue', { version: 1, environment, webhookUrl: local.webhook });
    const args = ['limits', 'show', '--stage', 'blue', '--organization', organizationId, '--json'];
    const { code, stdout } = await startLivechat(args, withAws()).ended;
    expect(JSON.parse(stdout)).toMatchObject({ rateLimits: [{ organizationId }] });
    expect(code).toBe(0);
  });

  test('reports the parameter of a stage that does not exist', async () => {
    const { code, stdout } = await startLivechat(['limits', 'show', '--stage', 'green', '--json'], withAws()).ended;
    expect(code).toBe(1);
    const error = `Stage green not found: the parameter /livechat/green/outputs does not exist at ${local.aws}. For a stage in AWS, unset AWS_ENDPOINT_URL.`;
    expect(JSON.parse(stdout)).toEqual({ ok: false, error });
  });

  test('rejects outputs of another version', async () => {
    await putOutputs('old', { tables: [] });
    const { code, stderr } = await startLivechat(['limits', 'show', '--stage', 'old'], withAws()).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('deploy the stage again');
  });

  test('reports a missing region', async () => {
    const environment = { ...withAws(), AWS_REGION: '', AWS_CONFIG_FILE: '/nowhere' };
    const { code, stderr } = await startLivechat(['limits', 'show', '--stage', 'old'], environment).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('set AWS_REGION');
  });

  test('reports how to start the engine if it does not respond', async () => {
    const { code, stderr } = await cliFor({ aws: nowhere }).run('limits', 'show');
    expect(code).toBe(1);
    expect(stderr).toContain(`No response from ${nowhere} (ECONNREFUSED). Start the local engine with \`npm start\``);
    expect(stderr).toContain('For a deployed stage, pass --stage and unset AWS_ENDPOINT_URL.');
  });
});

test.each([
  [2, 'choose one of 1, 2'],
  [10, 'choose one of 1, 2, 3, 4, 5, 6, 7, 8, 9, 10'],
  [12, 'choose one of 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, and 2 more'],
])('names at most ten of %i organizations', (count, expected) => {
  expect(describeChoice(Array.from({ length: count }, (_, index) => `${index + 1}`))).toBe(expected);
});
