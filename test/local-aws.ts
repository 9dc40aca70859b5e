import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { RunningLocal } from './local.ts';

/** What an SDK client is made with to talk to the local engine. */
export const clientOf = ({ aws }: Pick<RunningLocal, 'aws'>) => ({
  endpoint: aws,
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});

/** Makes the local engine a stage of another name, with some of its outputs changed, as a bad deployment would leave them. */
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
  await new SSMClient(clientOf(local)).send(
    new PutParameterCommand({ Name: `/livechat/${stage}/outputs`, Value: JSON.stringify(outputs), Overwrite: true }),
  );
}
