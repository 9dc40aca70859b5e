import type { Context } from 'aws-lambda';

/** Of a Lambda context Powertools asks nothing but the time that is left. */
export function remainingTimeContext(getRemainingTimeInMillis: () => number): Context {
  const unused = { functionName: '', functionVersion: '', invokedFunctionArn: '', memoryLimitInMB: '' };
  const alsoUnused = { awsRequestId: '', logGroupName: '', logStreamName: '', callbackWaitsForEmptyEventLoop: false };
  return { ...unused, ...alsoUnused, getRemainingTimeInMillis, done() {}, fail() {}, succeed() {} };
}
