import { expect, test } from 'vitest';
import { createFaults } from './control.ts';
import { AwsError } from './protocol.ts';

type Faults = ReturnType<typeof createFaults>;

/** The type of the error with which a call fails. */
function failure(faults: Faults, service: Parameters<Faults['apply']>[0], operation: string): string | undefined {
  try {
    faults.apply(service, operation);
    return undefined;
  } catch (error) {
    return error instanceof AwsError ? error.type : String(error);
  }
}

test('applies a fault to the given number of calls of its service and operation only', () => {
  const faults = createFaults();
  faults.add({ service: 'dynamodb', operation: 'UpdateItem', kind: 'throttle', count: 2 });

  expect(failure(faults, 'dynamodb', 'PutItem')).toBeUndefined();
  expect(failure(faults, 'events', 'UpdateItem')).toBeUndefined();
  const throttle = 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException';
  expect([1, 2, 3].map(() => failure(faults, 'dynamodb', 'UpdateItem'))).toEqual([throttle, throttle, undefined]);
});

test('counts only the calls that a fault with a probability affects', () => {
  const draws = [0.9, 0.1, 0.9];
  const faults = createFaults(() => draws.shift() ?? 1);
  faults.add({ service: 's3', kind: 'unavailable', count: 1, probability: 0.5 });

  expect([1, 2, 3].map(() => failure(faults, 's3', 'GetObject'))).toEqual([undefined, 'ServiceUnavailable', undefined]);
});

test('clears all faults', () => {
  const faults = createFaults();
  faults.add({ service: 'sqs', kind: 'throttle', count: 5 });
  faults.clear();

  expect(failure(faults, 'sqs', 'SendMessage')).toBeUndefined();
});

test.each<[unknown, RegExp]>([
  [{ kind: 'throttle', count: 1 }, /^service: Invalid option: expected one of "dynamodb"\|"events"/],
  [{ service: 'sns', kind: 'throttle', count: 1 }, /^service: Invalid option: expected one of/],
  [
    { service: 's3', kind: 'slow', count: 1 },
    /^kind: Invalid option: expected one of "partial"\|"throttle"\|"unavailable"/,
  ],
  [{ service: 's3', kind: 'throttle', count: 0 }, /^count: Too small: expected number to be >=1/],
  [{ service: 's3', kind: 'throttle', count: '1' }, /^count: Invalid input: expected number, received string/],
  [{ service: 's3', kind: 'throttle', count: 1, probability: 2 }, /^probability: Too big: expected number to be <=1/],
  [{ service: 's3', kind: 'throttle', count: 1, probabilty: 1 }, /^the body: Unrecognized key: "probabilty"/],
  [{ service: 's3', kind: 'partial', count: 1 }, /"partial" is for events only/],
  ['text', /^the body: Invalid input: expected object, received string/],
])('rejects %j with the invalid field', (input, message) => {
  expect(() => createFaults().add(input)).toThrow(message);
});
