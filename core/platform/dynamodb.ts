import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { wholeNumber } from './configuration.ts';

/** The document client that every entity shares. */
export const documents = DynamoDBDocumentClient.from(
  new DynamoDBClient({
    requestHandler: { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true },
  }),
  { marshallOptions: { removeUndefinedValues: true } },
);

/** Whether a write was refused by its own condition, which is an answer rather than a failure. */
export function isConditionFailure(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && cause.name === 'ConditionalCheckFailedException';
}

/** The write's result, or undefined where its condition did not hold. */
export async function ifConditionHolds<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    if (isConditionFailure(error)) return undefined;
    throw error;
  }
}

const secondsPerDay = 86_400;

/** When an item written now expires, in seconds since 1970. The setting counts days; a year unless set. */
export function expiresAfter(
  setting: 'CONVERSATIONS_RETENTION_DAYS' | 'MESSAGES_RETENTION_DAYS',
  now = Date.now(),
): number {
  return Math.floor(now / 1000) + wholeNumber(setting, 365, 1) * secondsPerDay;
}
