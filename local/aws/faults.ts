import * as z from 'zod/mini';
import { AwsError } from './answers.ts';
import { parseInput } from './input.ts';

export const services = ['dynamodb', 'events', 'secretsmanager', 's3', 'sqs', 'ssm', 'states'] as const;

export type Service = (typeof services)[number];

const faultSchema = z
  .strictObject({
    service: z.enum(services),
    /** Every operation of the service when left out. */
    operation: z.optional(z.string()),
    /** `partial`: PutEvents takes the first half of the entries only. */
    kind: z.enum(['partial', 'throttle', 'unavailable']),
    /** How many calls it affects. */
    count: z.int().check(z.minimum(1)),
    /** Of affecting a call; 1 when left out. */
    probability: z.optional(z.number().check(z.minimum(0), z.maximum(1))),
  })
  .check(z.refine(({ kind, service }) => kind !== 'partial' || service === 'events', '"partial" is for events only'));

export type Fault = z.output<typeof faultSchema>;

/** Faults that tests ask for. The oldest one that fits a call is used first. */
export function createFaults(random: () => number = Math.random) {
  let faults: { readonly fault: Fault; left: number }[] = [];

  return {
    /** @throws AwsError ValidationException */
    add(input: unknown): void {
      const fault = parseInput(faultSchema, input);
      faults.push({ fault, left: fault.count });
    },

    clear(): void {
      faults = [];
    },

    /** The kind of fault that this call shall suffer. */
    take(service: Service, operation: string): Fault['kind'] | undefined {
      const hit = faults.find(
        ({ fault }) =>
          fault.service === service &&
          (!fault.operation || fault.operation === operation) &&
          (fault.kind !== 'partial' || operation === 'PutEvents') &&
          random() < (fault.probability ?? 1),
      );
      if (!hit) return undefined;
      hit.left -= 1;
      if (hit.left === 0) faults = faults.filter((other) => other !== hit);
      return hit.fault.kind;
    },
  };
}

export type Faults = ReturnType<typeof createFaults>;

/** What a call that suffers a fault is answered. */
export function faultError(service: Service, kind: 'throttle' | 'unavailable'): AwsError {
  const why = 'a fault that was asked for';
  if (kind === 'unavailable') {
    return new AwsError(service === 's3' ? 'ServiceUnavailable' : 'ServiceUnavailableException', why, 503);
  }
  if (service === 's3') return new AwsError('SlowDown', why, 503);
  if (service !== 'dynamodb') return new AwsError('ThrottlingException', why);
  return new AwsError('com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException', why);
}
