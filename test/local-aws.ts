import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
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
    new PutParameterCommand({ Name: `/livechat/${stage}/outputs`, Value: JSON.stringify(outputs), Overwrite: true }),
  );
}
