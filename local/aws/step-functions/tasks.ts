import { ThrottledError, toFunctionFailure } from '../../lambda/invocation.ts';
import type { Faults } from '../control.ts';
import { type Json, toJson } from '../protocol.ts';
import type { Storage } from '../sqs-s3.ts';
import type { Resource } from './definition.ts';
import { StateError } from './expressions.ts';

/** Calls a task's resource. @throws StateError for every failure. */
export type Task = (resource: Resource, parameters: Json) => Promise<Json>;

export interface TaskOptions {
  invoke(name: string, event: unknown): Promise<unknown>;
  readonly storage: Pick<Storage, 'sendMessage'>;
  readonly faults: Pick<Faults, 'apply'>;
}

export function createTasks({ invoke, storage, faults }: TaskOptions): Task {
  async function invokeFunction(arn: string, event: Json): Promise<Json> {
    try {
      return toJson(await invoke(arn.slice(arn.lastIndexOf(':') + 1), event));
    } catch (error) {
      throw functionFailed(error);
    }
  }

  async function sendMessage(queueUrl: string, message: Json): Promise<Json> {
    try {
      faults.apply('sqs', 'SendMessage');
      return { ...(await storage.sendMessage(queueUrl, { body: JSON.stringify(message) })) };
    } catch (error) {
      throw new StateError('SQS.AmazonSQSException', error instanceof Error ? error.message : String(error));
    }
  }

  return async ({ arn, integration }, parameters) => {
    switch (integration?.service) {
      case undefined:
        return invokeFunction(arn, parameters);
      case 'lambda': {
        const { FunctionName, Payload } = integration.parameters.parse(parameters);
        return { ExecutedVersion: '$LATEST', Payload: await invokeFunction(FunctionName, Payload), StatusCode: 200 };
      }
      case 'sqs': {
        const { QueueUrl, MessageBody } = integration.parameters.parse(parameters);
        return sendMessage(QueueUrl, MessageBody);
      }
    }
  };
}

/** The cause of a function's error is JSON; of an error of Lambda's API, text. */
function functionFailed(error: unknown): StateError {
  if (error instanceof ThrottledError) {
    return new StateError(
      `Lambda.${error.name}`,
      `${error.message} (Service: Lambda, Status Code: ${error.statusCode})`,
    );
  }
  const failure = toFunctionFailure(error);
  return new StateError(failure.errorType, JSON.stringify(failure));
}
