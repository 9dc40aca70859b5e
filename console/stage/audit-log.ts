import { randomUUID } from 'node:crypto';
import { CloudWatchLogsClient, CreateLogStreamCommand, PutLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { required } from '../../core/platform/configuration.ts';
import type { Audit } from '../access.ts';

/** CloudWatch Logs did not accept a line, although the call succeeded. */
class AuditLineRejected extends Error {
  override readonly name = 'AuditLineRejected';
}

/** Bounds the time that an action waits for the write of its line. */
const clientConfig = { maxAttempts: 2, requestHandler: { connectionTimeout: 3_000, requestTimeout: 5_000 } };

export interface AuditLog {
  readonly audit: Audit;
  readonly logGroup: string;
  /** The ARN of the operator's AWS credentials. */
  readonly who: string;
}

/**
 * Opens a stream in the stage's log group for the audit lines of this console, and records its start.
 *
 * @throws errors of the AWS SDK if the operator is unknown or the line cannot be written
 */
export async function openAuditLog(stage: string): Promise<AuditLog> {
  const { Arn: who } = await new STSClient(clientConfig).send(new GetCallerIdentityCommand({}));
  if (who === undefined) throw new AuditLineRejected('AWS returned no ARN for the credentials');
  const logs = new CloudWatchLogsClient(clientConfig);
  const logGroupName = required('AUDIT_LOG_GROUP');
  const logStreamName = `console/${new Date().toISOString().slice(0, 10)}/${randomUUID()}`;
  await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));

  const audit: Audit = async (entry) => {
    const timestamp = Date.now();
    const message = JSON.stringify({ at: new Date(timestamp).toISOString(), stage, who, ...entry });
    const written = await logs.send(
      new PutLogEventsCommand({ logGroupName, logStreamName, logEvents: [{ timestamp, message }] }),
    );
    // For example, the clock of this machine is hours ahead.
    if (written.rejectedLogEventsInfo) throw new AuditLineRejected('CloudWatch Logs rejected the time of the line');
  };
  await audit({ request: 'livechat console' });
  return { audit, logGroup: logGroupName, who };
}
