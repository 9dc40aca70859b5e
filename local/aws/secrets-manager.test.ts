import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestAws, type TestAws } from './testing.ts';

let aws: TestAws;
beforeEach(async () => {
  aws = await startTestAws();
});
afterEach(() => aws.stop());

test('keeps the previous value as AWSPREVIOUS', async () => {
  const secrets = new SecretsManagerClient(aws.client);
  const { ARN } = await secrets.send(new CreateSecretCommand({ Name: 'livechat/default', SecretString: 'one' }));
  await secrets.send(new PutSecretValueCommand({ SecretId: 'livechat/default', SecretString: 'two' }));

  const current = await secrets.send(new GetSecretValueCommand({ SecretId: ARN }));
  const previous = await secrets.send(
    new GetSecretValueCommand({ SecretId: 'livechat/default', VersionStage: 'AWSPREVIOUS' }),
  );

  expect(current).toMatchObject({ SecretString: 'two', VersionStages: ['AWSCURRENT'] });
  expect(previous).toMatchObject({ SecretString: 'one', VersionStages: ['AWSPREVIOUS'] });
  const age = Date.now() - (previous.CreatedDate?.getTime() ?? 0);
  expect(age).toBeGreaterThanOrEqual(0);
  expect(age).toBeLessThan(10_000);
});

test('has no value for a secret that is created empty until one is put', async () => {
  const secrets = new SecretsManagerClient(aws.client);
  const read = () => secrets.send(new GetSecretValueCommand({ SecretId: 'livechat/empty' }));
  await secrets.send(new CreateSecretCommand({ Name: 'livechat/empty' }));
  await expect(read()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await secrets.send(new PutSecretValueCommand({ SecretId: 'livechat/empty', SecretString: '{}' }));
  expect(await read()).toMatchObject({ SecretString: '{}' });
});

test('responds with ResourceNotFoundException for an unknown secret or version', async () => {
  const secrets = new SecretsManagerClient(aws.client);
  const notFound = { name: 'ResourceNotFoundException' };

  await expect(secrets.send(new GetSecretValueCommand({ SecretId: 'livechat/x' }))).rejects.toMatchObject(notFound);
  await secrets.send(new CreateSecretCommand({ Name: 'livechat/x', SecretString: '{}' }));
  const previous = new GetSecretValueCommand({ SecretId: 'livechat/x', VersionStage: 'AWSPREVIOUS' });
  await expect(secrets.send(previous)).rejects.toMatchObject(notFound);
  const again = new CreateSecretCommand({ Name: 'livechat/x', SecretString: '{}' });
  await expect(secrets.send(again)).rejects.toMatchObject({ name: 'ResourceExistsException' });
});
