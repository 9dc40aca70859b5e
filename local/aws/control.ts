import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod/mini';
import { AwsError, parseInput, parseJson, readBody, sendJson, unsupported } from './protocol.ts';

export const controlPrefix = '/_local/';

export interface ControlOptions {
  readonly faults: Faults;
  readonly calls: Calls;
  /** Resolves with false when there is still work after the limit. */
  readonly idle: Idle;
  /** Puts events on our bus once more, as a replay of this name. */
  replay(name: string, input: unknown): object;
  /** Ends the thread of the functions. */
  kill(): Promise<void>;
}

/** With `executions`, an execution that only waits counts as work, too. */
export type Idle = (limitMs: number, executions: boolean) => Promise<boolean>;

const idleLimitMs = 60_000;
const maxBodyBytes = 65_536;

/** What a test or a benchmark asks of the local engine: faults and crashes, replays, counts of calls and of CPU time, and to be told when all is done. */
export function createControl({ faults, calls, idle, replay, kill }: ControlOptions) {
  const routes: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => unknown>> = {
    'POST /_local/faults': async (request, response) => {
      faults.add(parseJson(await readBody(request, maxBodyBytes)));
      sendJson(response, 200, { added: true });
    },
    'DELETE /_local/faults': (_request, response) => {
      faults.clear();
      sendJson(response, 200, { cleared: true });
    },
    'GET /_local/calls': (_request, response) => sendJson(response, 200, calls.read()),
    'DELETE /_local/calls': (_request, response) => {
      calls.clear();
      sendJson(response, 200, { cleared: true });
    },
    // Of the whole process, in microseconds since its start.
    'GET /_local/cpu': (_request, response) => sendJson(response, 200, process.cpuUsage()),
    'GET /_local/idle': async (request, response) => {
      const { searchParams } = new URL(request.url ?? '', 'http://local');
      const done = await idle(idleLimitMs, searchParams.get('executions') === 'wait');
      sendJson(response, done ? 200 : 503, { idle: done });
    },
    'POST /_local/replay': async (request, response) => {
      const { searchParams } = new URL(request.url ?? '', 'http://local');
      const input = parseJson(await readBody(request, maxBodyBytes));
      sendJson(response, 200, replay(searchParams.get('name') ?? 'replay', input));
    },
    'POST /_local/kill': async (_request, response) => {
      await kill();
      sendJson(response, 200, { killed: true });
    },
  };

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const route = `${request.method} ${request.url?.split('?')[0]}`;
    const handle = routes[route];
    if (!handle) throw unsupported(route);
    await handle(request, response);
  };
}

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

/** How often each operation was called, as `service.operation`. */
export function createCalls() {
  const counts = new Map<string, number>();

  return {
    add(key: string): void {
      counts.set(key, (counts.get(key) ?? 0) + 1);
    },
    read(): Readonly<Record<string, number>> {
      return Object.fromEntries([...counts].sort(([a], [b]) => a.localeCompare(b)));
    },
    clear(): void {
      counts.clear();
    },
  };
}

export type Calls = ReturnType<typeof createCalls>;
