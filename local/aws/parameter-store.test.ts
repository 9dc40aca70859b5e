import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestAws, type TestAws } from '../../test/test-aws.ts';

let aws: TestAws;
beforeEach(async () => {
  aws = await startTestAws();
});
afterEach(() => aws.stop());

const parameter = { Name: '/livechat/test', Value: 'é'.repeat(2_048), Type: 'String' } as const;

test.each([
  ['more than 4,096 bytes', { Value: `${parameter.Value}a` }],
  ['no value', { Value: '' }],
  ['no type', { Type: undefined }],
  ['a reserved name', { Name: '/aws/test' }],
])('rejects a new parameter with %s', async (_what, fields) => {
  const put = new PutParameterCommand({ ...parameter, ...fields });
  await expect(new SSMClient(aws.client).send(put)).rejects.toMatchObject({ name: 'ValidationException' });
});

test('stores a parameter of 4,096 bytes', async () => {
  const client = new SSMClient(aws.client);
  await client.send(new PutParameterCommand(parameter));
  const { Parameter } = await client.send(new GetParameterCommand({ Name: parameter.Name }));
  expect(Parameter).toMatchObject({ Value: parameter.Value });
});
