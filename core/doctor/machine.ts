import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import type { Environment } from '../platform/configuration.ts';
import { type Examination, found } from './finding.ts';

const deploy = 'Deploy the stage again (locally, start the engine again).';

/** That the state machine that sends is there. */
export function machine({ SEND_MACHINE_ARN: stateMachineArn }: Environment): Examination {
  const about = 'state machine';
  const { ok, fault } = found(about);
  return {
    about,
    async run() {
      if (!stateMachineArn) return [fault('SEND_MACHINE_ARN names no state machine', deploy)];
      try {
        const { status } = await new SFNClient({ maxAttempts: 2 }).send(
          new DescribeStateMachineCommand({ stateMachineArn }),
        );
        return status === 'ACTIVE' ? [ok(stateMachineArn)] : [fault(`${stateMachineArn} is ${status}`, deploy)];
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'StateMachineDoesNotExist') throw error;
        return [fault(`there is no state machine ${stateMachineArn}: nothing is sent`, deploy)];
      }
    },
  };
}

/** That the bucket is there. */
export function bucket({ MEDIA_BUCKET: Bucket }: Environment): Examination {
  const about = 'bucket';
  const { ok, fault } = found(about);
  return {
    about,
    async run() {
      if (!Bucket) return [fault('MEDIA_BUCKET names no bucket', deploy)];
      try {
        await new S3Client({ maxAttempts: 2 }).send(new HeadBucketCommand({ Bucket }));
        return [ok(Bucket)];
      } catch (error) {
        if (!(error instanceof Error) || !['NotFound', 'NoSuchBucket'].includes(error.name)) throw error;
        return [fault(`there is no bucket ${Bucket}: large events and files cannot be kept`, deploy)];
      }
    },
  };
}
