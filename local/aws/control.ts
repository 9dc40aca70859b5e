import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod/mini';
import { AwsError, parseInput, readJson, sendJson, unsupported } from './protocol.ts';

export const controlPrefix = '/_local/';

export interface ControlOptions {
  readonly faults: Faults;
  readonly calls: Calls;
  /** Resolves with false if work is in flight after the limit. With `executions`, an execution in a Wait state counts as work. */
  idle(limitMs: number, executions: boolean): Promise<boolean>;
  /** Publishes events as an archive replay of this name. */
  replay(name: string, input: unknown): object;
  /** Terminates the functions' worker thread. */
  kill(): Promise<void>;
}

const idleLimitMs = 60_000;
const maxBodyBytes = 65_536;

/** The control API for tests and benchmarks: faults, crashes, replays, call counts, CPU time and waiting until idle. */
export function createControl({ faults, calls, idle, replay, kill }: ControlOptions) {
  const routes: Readonly<Record<string, (input: unknown, query: URLSearchParams) => object | Promise<object>>> = {
    'POST /_local/faults': (input) => {
      faults.add(input);
      return { added: true };
    },
    'DELETE /_local/faults': () => {
      faults.clear();
      return { cleared: true };
    },
    'GET /_local/calls': () => calls.read(),
    'DELETE /_local/calls': () => {
      calls.clear();
      return { cleared: true };
    },
    // CPU time of the whole process in microseconds since its start.
    'GET /_local/cpu': () => process.cpuUsage(),
    'GET /_local/idle': async (_input, query) => ({
      idle: await idle(idleLimitMs, query.get('executions') === 'wait'),
    }),
    'POST /_local/replay': (input, query) => replay(query.get('name') ?? 'replay', input),
    'POST /_local/kill': async () => {
      await kill();
      return { killed: true };
    },
  };

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://local');
    const route = `${request.method} ${pathname}`;
    const handle = routes[route];
    if (!handle) throw unsupported(route);
    const output = await handle(await readJson(request, maxBodyBytes), searchParams);
    const busy = 'idle' in output && !output.idle;
    sendJson(response, busy ? 503 : 200, output);
  };
}

export const services = ['dynamodb', 'events', 'lambda', 'secretsmanager', 's3', 'sqs', 'ssm', 'states'] as const;

export type ServiceName = (typeof services)[number];

const faultSchema = z
  .strictObject({
    service: z.enum(services),
    /** Default: every operation of the service. */
    operation: z.optional(z.string()),
    /** `partial`: PutEvents accepts only the first half of the entries. */
    kind: z.enum(['partial', 'throttle', 'unavailable']),
    /** Number of calls that fail. */
    count: z.int().check(z.minimum(1)),
    /** Probability that a call fails. Default 1. */
    probability: z.optional(z.number().check(z.minimum(0), z.maximum(1))),
  })
  .check(z.refine(({ kind, service }) => kind !== 'partial' || service === 'events', '"partial" is for events only'));

type Fault = z.output<typeof faultSchema>;

/** Injected faults. The oldest fault that matches a call applies first. */
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

    /**
     * Applies the fault that matches this call. Returns whether it is `partial`.
     *
     * @throws AwsError for every other fault
     */
    apply(service: ServiceName, operation: string): boolean {
      const hit = faults.find(
        ({ fault }) =>
          fault.service === service &&
          (!fault.operation || fault.operation === operation) &&
          (fault.kind !== 'partial' || operation === 'PutEvents') &&
          random() < (fault.probability ?? 1),
      );
      if (!hit) return false;
      hit.left -= 1;
      if (hit.left === 0) faults = faults.filter((other) => other !== hit);
      if (hit.fault.kind === 'partial') return true;
      throw faultError(service, hit.fault.kind);
    },
  };
}

export type Faults = ReturnType<typeof createFaults>;

/** The error response of a call with an injected fault. */
function faultError(service: ServiceName, kind: 'throttle' | 'unavailable'): AwsError {
  const message = 'injected fault';
  if (kind === 'unavailable') {
    return new AwsError(service === 's3' ? 'ServiceUnavailable' : 'ServiceUnavailableException', message, 503);
  }
  if (service === 's3') return new AwsError('SlowDown', message, 503);
  if (service !== 'dynamodb') return new AwsError('ThrottlingException', message);
  return new AwsError('com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException', message);
}

/** Counts calls by `service.operation`. */
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
