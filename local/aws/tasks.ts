import * as z from 'zod/mini';
import { failureOf, InvocationError, throttledName } from '../lambda/errors.ts';
import type { Faults } from './faults.ts';
import { faultError } from './faults.ts';
import type { Json } from './json.ts';
import { toJson } from './json.ts';
import type { Storage } from './storage.ts';

/** What a Task state calls: a function by its ARN, or another service. */
export type Resource =
  | { readonly kind: 'lambda'; readonly arn: string; readonly function: string }
  | { readonly kind: 'service'; readonly type: 'sqs'; readonly action: 'sendMessage' };

export type Task = (resource: Resource, input: Json) => Promise<Json>;

/** A task that failed, by the name that Retry and Catch match, with the text that Catch gives as the cause. */
export class TaskFailed extends Error {
  override readonly name: string;

  constructor(name: string, cause: string) {
    super(cause);
    this.name = name;
  }
}

/** Undefined for a resource that is not supported here. */
export function resourceOf(arn: string): Resource | undefined {
  if (arn === 'arn:aws:states:::sqs:sendMessage') return { kind: 'service', type: 'sqs', action: 'sendMessage' };
  const name = /^arn:aws:lambda:[^:]+:\d+:function:([\w-]+)(?::[\w$-]+)?$/.exec(arn)?.[1];
  return name === undefined ? undefined : { kind: 'lambda', arn, function: name };
}

export interface TaskOptions {
  invoke(name: string, event: unknown): Promise<unknown>;
  readonly storage: Pick<Storage, 'sendMessage'>;
  readonly faults: Pick<Faults, 'take'>;
}

const sendMessageSchema = z.strictObject({
  QueueUrl: z.string(),
  MessageBody: z.unknown(),
  DelaySeconds: z.optional(z.number()),
});

/** Runs tasks as Step Functions does. Every failure is a TaskFailed. */
export function createTasks({ invoke, storage, faults }: TaskOptions): Task {
  async function invokeFunction(name: string, input: Json): Promise<Json> {
    try {
      return toJson(await invoke(name, input));
    } catch (error) {
      throw functionFailed(error);
    }
  }

  async function sendMessage(input: Json): Promise<Json> {
    const parameters = sendMessageSchema.safeParse(input);
    if (!parameters.success) throw new TaskFailed('States.Runtime', z.prettifyError(parameters.error));
    const { QueueUrl, MessageBody, DelaySeconds } = parameters.data;
    const body = typeof MessageBody === 'string' ? MessageBody : JSON.stringify(MessageBody);
    try {
      const fault = faults.take('sqs', 'SendMessage');
      if (fault && fault !== 'partial') throw faultError('sqs', fault);
      const delay = DelaySeconds !== undefined && { delaySeconds: DelaySeconds };
      return { ...(await storage.sendMessage(QueueUrl, { body, ...delay })) };
    } catch (error) {
      throw new TaskFailed('SQS.AmazonSQSException', error instanceof Error ? error.message : String(error));
    }
  }

  return (resource, input) =>
    resource.kind === 'lambda' ? invokeFunction(resource.function, input) : sendMessage(input);
}

/** What a function throws has JSON for a cause, an error of Lambda's own API text. */
function functionFailed(error: unknown): TaskFailed {
  if (error instanceof InvocationError && error.name === throttledName) {
    return new TaskFailed(`Lambda.${throttledName}`, `${error.message} (Service: Lambda, Status Code: 429)`);
  }
  const failure = failureOf(error);
  return new TaskFailed(failure.errorType, JSON.stringify(failure));
}
