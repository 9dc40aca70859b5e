import type { DynamoDBClient, ServiceInputTypes, ServiceOutputTypes } from '@aws-sdk/client-dynamodb';
import type { FinalizeRequestMiddleware } from '@smithy/types';
import { onTestFinished } from 'vitest';

/** Drops the response to the next command of this type after DynamoDB applied it. The SDK then retries the command. */
export function loseResponse(
  { middlewareStack }: DynamoDBClient,
  command: 'PutItemCommand' | 'UpdateItemCommand',
): void {
  const name = 'loseResponse';
  const lose: FinalizeRequestMiddleware<ServiceInputTypes, ServiceOutputTypes> = (next, context) => async (args) => {
    const response = await next(args);
    if (context.commandName !== command || !middlewareStack.remove(name)) return response;
    throw Object.assign(new Error('no response'), { name: 'TimeoutError' });
  };
  middlewareStack.add(lose, { step: 'finalizeRequest', priority: 'low', name });
  onTestFinished(() => void middlewareStack.remove(name));
}
