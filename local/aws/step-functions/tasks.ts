import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { ThrottledError, toFunctionFailure } from '../../lambda/invocation.ts';
import { type Faults, faultError } from '../control.ts';
import { type Json, toJson } from '../protocol.ts';
import type { Storage } from '../sqs-s3.ts';
import type { Resource } from './definition.ts';
import { runtimeError, StateError } from './expressions.ts';

/** Calls a task's resource. @throws StateError for every failure. */
export type Task = (resource: Resource, parameters: Json) => Promise<Json>;

export interface TaskOptions {
  invoke(name: string, event: unknown): Promise<unknown>;
  readonly storage: Pick<Storage, 'sendMessage'>;
  readonly faults: Pick<Faults, 'take'>;
}

const invokeSchema = z.object({ FunctionName: z.string(), Payload: z.optional(z.unknown()) });
const sendMessageSchema = z.object({
  QueueUrl: z.string(),
  MessageBody: z.unknown(),
  DelaySeconds: z.optional(z.number()),
});

export function createTasks({ invoke, storage, faults }: TaskOptions): Task {
  async function invokeFunction(name: string, event: unknown): Promise<Json> {
    try {
      return toJson(await invoke(name, event));
    } catch (error) {
      throw functionFailed(error);
    }
  }

  async function invokeThroughApi(input: Json): Promise<Json> {
    const { FunctionName, Payload = {} } = parseParameters(invokeSchema, input);
    const result = await invokeFunction(functionName(FunctionName), Payload);
    return {
      ExecutedVersion: '$LATEST',
      Payload: result,
      SdkHttpMetadata: { HttpStatusCode: 200 },
      SdkResponseMetadata: { RequestId: randomUUID() },
      StatusCode: 200,
    };
  }

  async function sendMessage(input: Json): Promise<Json> {
    const { QueueUrl, MessageBody, DelaySeconds } = parseParameters(sendMessageSchema, input);
    const body = typeof MessageBody === 'string' ? MessageBody : JSON.stringify(MessageBody);
    try {
      const fault = faults.take('sqs', 'SendMessage');
      if (fault && fault !== 'partial') throw faultError('sqs', fault);
      const delay = DelaySeconds !== undefined && { delaySeconds: DelaySeconds };
      return { ...(await storage.sendMessage(QueueUrl, { body, ...delay })) };
    } catch (error) {
      throw new StateError('SQS.AmazonSQSException', error instanceof Error ? error.message : String(error));
    }
  }

  return (resource, parameters) => {
    if (resource.kind === 'lambda') return invokeFunction(resource.function, parameters);
    return resource.type === 'lambda' ? invokeThroughApi(parameters) : sendMessage(parameters);
  };
}

function parseParameters<T extends z.ZodMiniType>(schema: T, input: Json): z.output<T> {
  const parameters = schema.safeParse(input);
  if (!parameters.success) throw runtimeError(z.prettifyError(parameters.error));
  return parameters.data;
}

/** A name, a partial or a full ARN, each with an optional version or alias. */
function functionName(text: string): string {
  const parts = text.split(':');
  const start = parts.indexOf('function') + 1;
  return parts[start] ?? text;
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
