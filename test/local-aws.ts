import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import * as z from 'zod/mini';
import type { RunningLocal } from './local.ts';

/** The configuration of an SDK client for the local engine. */
export const awsClientConfig = ({ aws }: Pick<RunningLocal, 'aws'>) => ({
  endpoint: aws,
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});

/** The environment that points an SDK or the AWS CLI to the local engine, as documented. */
export const awsEnvironment = ({ aws }: Pick<RunningLocal, 'aws'>) => ({
  AWS_ENDPOINT_URL: aws,
  AWS_REGION: 'us-east-1',
  AWS_DEFAULT_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
});

/** Lets calls of the engine's AWS services fail, as described by a fault. */
export async function injectAwsFault({ aws }: Pick<RunningLocal, 'aws'>, fault: object): Promise<void> {
  const response = await fetch(`${aws}/_local/faults`, { method: 'POST', body: JSON.stringify(fault) });
  if (!response.ok) throw new Error(`fault: ${response.status} ${await response.text()}`);
}

export async function clearAwsFaults({ aws }: Pick<RunningLocal, 'aws'>): Promise<void> {
  await fetch(`${aws}/_local/faults`, { method: 'DELETE' });
}

/** The number of calls of each operation of the engine's AWS services. */
export async function countAwsCalls({ aws }: Pick<RunningLocal, 'aws'>): Promise<Record<string, number>> {
  return z.record(z.string(), z.number()).parse(await (await fetch(`${aws}/_local/calls`)).json());
}

/** Stores the default credentials as an organization's own. `name`: `<organizationId>` or `<stage>/<organizationId>`. */
export async function copyDefaultSecret(local: Pick<RunningLocal, 'aws'>, name: string): Promise<void> {
  const secrets = new SecretsManagerClient(awsClientConfig(local));
  const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId: 'livechat/default' }));
  const own = { ...JSON.parse(SecretString), LIVECHAT_ORGANIZATION_ID: undefined };
  await secrets.send(new CreateSecretCommand({ Name: `livechat/${name}`, SecretString: JSON.stringify(own) }));
}

/** Publishes the outputs of another stage name that points to the local engine, with changes such as a bad deployment causes. */
export async function putStage(
  local: RunningLocal,
  stage: string,
  { environment = {}, ...changes }: { environment?: Readonly<Record<string, string>>; webhookUrl?: string } = {},
): Promise<void> {
  const names = Object.entries(local.environment).filter(([name]) => !name.startsWith('AWS_'));
  const outputs = {
    version: 1,
    webhookUrl: local.webhook,
    ...changes,
    environment: {
      ...Object.fromEntries(names),
      DEAD_LETTER_QUEUE_URL: `${local.aws}/000000000000/dead-letters`,
      ...environment,
    },
  };
  await new SSMClient(awsClientConfig(local)).send(
    new PutParameterCommand({
      Name: `/livechat/${stage}/outputs`,
      Value: JSON.stringify(outputs),
      Type: 'String',
      Overwrite: true,
    }),
  );
}
