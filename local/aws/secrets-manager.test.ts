import {
  CreateSecretCommand,
  DescribeSecretCommand,
  type Filter,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  paginateListSecrets,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestAws, type TestAws } from '../../test/test-aws.ts';

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
  const described = await secrets.send(new DescribeSecretCommand({ SecretId: 'livechat/default' }));
  expect(described.VersionIdsToStages).toEqual({
    [String(current.VersionId)]: ['AWSCURRENT'],
    [String(previous.VersionId)]: ['AWSPREVIOUS'],
  });
  const listed = await secrets.send(new ListSecretsCommand({}));
  expect(listed.SecretList).toMatchObject([{ Name: 'livechat/default' }]);
});

test('returns the value of a version by its id', async () => {
  const secrets = new SecretsManagerClient(aws.client);
  const { VersionId } = await secrets.send(new CreateSecretCommand({ Name: 'livechat/x', SecretString: 'one' }));
  await secrets.send(new PutSecretValueCommand({ SecretId: 'livechat/x', SecretString: 'two' }));
  const read = (version: object) => secrets.send(new GetSecretValueCommand({ SecretId: 'livechat/x', ...version }));

  expect(await read({ VersionId })).toMatchObject({ SecretString: 'one', VersionStages: ['AWSPREVIOUS'] });
  const notFound = { name: 'ResourceNotFoundException' };
  await expect(read({ VersionId, VersionStage: 'AWSCURRENT' })).rejects.toMatchObject(notFound);
  await expect(read({ VersionId: 'x'.repeat(32) })).rejects.toMatchObject(notFound);
});

test('has no value for a secret that is created empty until one is put', async () => {
  const secrets = new SecretsManagerClient(aws.client);
  const read = () => secrets.send(new GetSecretValueCommand({ SecretId: 'livechat/empty' }));
  await secrets.send(new CreateSecretCommand({ Name: 'livechat/empty' }));
  await expect(read()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  const described = await secrets.send(new DescribeSecretCommand({ SecretId: 'livechat/empty' }));
  expect(described.VersionIdsToStages).toEqual({});
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

test('lists the secrets whose name begins with a text, page by page', async () => {
  const secrets = new SecretsManagerClient(aws.client);
  for (const Name of ['livechat/default', 'other/default', 'livechat/a', 'Livechat/b', 'livechat/c']) {
    await secrets.send(new CreateSecretCommand({ Name, SecretString: '{}' }));
  }
  const Filters: Filter[] = [{ Key: 'name', Values: ['livechat/'] }];
  const pages: string[][] = [];
  for await (const { SecretList = [] } of paginateListSecrets({ client: secrets, pageSize: 2 }, { Filters })) {
    pages.push(SecretList.flatMap(({ Name = [] }) => Name));
  }
  expect(pages).toEqual([['livechat/default', 'livechat/a'], ['livechat/c']]);

  const byTag = new ListSecretsCommand({ Filters: [{ Key: 'tag-key', Values: ['stage'] }] });
  await expect(secrets.send(byTag)).rejects.toMatchObject({ name: 'ValidationException' });
});

test.each([
  ['an empty value', { SecretString: '' }],
  ['a value of more than 65,536 bytes', { SecretString: 'é'.repeat(32_769) }],
  ['a name with a space', { Name: 'livechat x', SecretString: 'one' }],
  ['a short token', { SecretString: 'one', ClientRequestToken: 'token' }],
])('rejects a secret with %s', async (_what, fields) => {
  const create = new CreateSecretCommand({ Name: 'livechat/x', ...fields });
  await expect(new SecretsManagerClient(aws.client).send(create)).rejects.toMatchObject({
    name: 'ValidationException',
  });
});

test('rejects another value with the token of an existing version', async () => {
  const secrets = new SecretsManagerClient(aws.client);
  const ClientRequestToken = 'x'.repeat(32);
  await secrets.send(new CreateSecretCommand({ Name: 'livechat/x', SecretString: 'one', ClientRequestToken }));
  const put = (SecretString: string) =>
    secrets.send(new PutSecretValueCommand({ SecretId: 'livechat/x', SecretString, ClientRequestToken }));
  await expect(put('two')).rejects.toMatchObject({ name: 'ResourceExistsException' });
  await expect(put('one')).resolves.toMatchObject({ VersionId: ClientRequestToken });
});
