import { messagesTable } from '../../core/messages/table.ts';
import { controlTable } from '../../core/platform/control-table.ts';
import type { InvocationError } from '../lambda/errors.ts';
import { type Cloud, type CloudOptions, type CloudResources, startCloud } from './cloud.ts';

export const resources: CloudResources = {
  busName: 'omnichannel',
  rules: {
    messages: { pattern: { 'detail-type': [{ prefix: 'message.' }] }, target: { function: 'message' } },
    everything: { pattern: { source: ['test'] }, target: { function: 'audit' } },
  },
  tables: { messages: { layout: messagesTable }, control: { layout: controlTable } },
  queues: { deadLetters: 'dead-letters', parked: 'parked' },
  bucket: { name: 'media' },
  stateMachines: {},
  consumers: {},
};

export interface TestCloud extends Cloud {
  /** What functions were invoked with, in order; they do nothing unless `failures` says how they fail. */
  readonly invoked: { readonly name: string; readonly event: unknown }[];
  readonly failures: Map<string, InvocationError>;
  readonly reports: string[];
  /** What an SDK client is made with: one attempt, so that a fault is seen and not retried away. */
  readonly client: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
    readonly maxAttempts: number;
  };
  control(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
}

/** For tests: the AWS side on a free port, with functions that only note their events. */
export async function startTestCloud(overrides: Partial<CloudOptions> = {}): Promise<TestCloud> {
  const invoked: TestCloud['invoked'] = [];
  const failures: TestCloud['failures'] = new Map();
  const reports: string[] = [];
  const cloud = await startCloud({
    resources,
    port: 0,
    delays: { asyncRetriesMs: [1, 2] },
    report: (message) => reports.push(message),
    async invoke(name, event) {
      invoked.push({ name, event });
      const failure = failures.get(name);
      if (failure) throw failure;
    },
    ...overrides,
  });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = { endpoint: cloud.url, region: 'us-east-1', credentials, maxAttempts: 1 };

  async function control(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(`${cloud.url}/_local/${path}`, init);
    return { status: response.status, body: await response.json() };
  }

  return { ...cloud, invoked, failures, reports, client, control };
}

/** An entry of PutEvents that is right but for what a test changes. */
export function entry(overrides: object = {}) {
  const right = { Source: 'test', DetailType: 'message.received', Detail: '{"data":{}}', EventBusName: 'omnichannel' };
  return { ...right, ...overrides };
}
