import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { RunningLocal } from './local.ts';

/** The configuration of an SDK client for the local engine. */
export const awsClientConfig = ({ aws }: Pick<RunningLocal, 'aws'>) => ({
  endpoint: aws,
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});

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
