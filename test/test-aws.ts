import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type StateMachineResources, sendStateMachine } from '../core/outbound/state-machine.ts';
import { stateMachineArn } from '../local/aws/arn.ts';
import {
  type AwsResources,
  type LocalAwsOptions,
  type StateMachineResource,
  startLocalAws,
} from '../local/aws/local-aws.ts';
import { InvocationError, ThrottledError } from '../local/lambda/invocation.ts';
import * as topology from '../stacks/topology.ts';

export const resources: AwsResources = {
  busName: 'omnichannel',
  archive: topology.archive,
  rules: {
    messages: { pattern: { 'detail-type': [{ prefix: 'message.' }] }, target: { function: 'message' } },
    everything: { pattern: { source: ['test'] }, target: { function: 'audit' } },
  },
  tables: { messages: topology.tables.messages, control: topology.tables.control },
  queues: { deadLetters: 'dead-letters', quarantine: 'quarantine' },
  bucket: { name: 'media' },
  stateMachines: {},
  consumers: {},
};

export type TestAws = Awaited<ReturnType<typeof startTestAws>>;

/** For tests: the local AWS on a free port, with functions that only record their events. */
export async function startTestAws(overrides: Partial<LocalAwsOptions> = {}) {
  /** The invocations in order. A function does nothing unless `failures` has an error for it. */
  const invoked: { readonly name: string; readonly event: unknown }[] = [];
  const failures = new Map<string, InvocationError>();
  const reports: string[] = [];
  const aws = await startLocalAws({
    resources,
    port: 0,
    asyncRetryDelayMs: 1,
    report: (message) => reports.push(message),
    async invoke(name, event) {
      invoked.push({ name, event });
      const failure = failures.get(name);
      if (failure) throw failure;
    },
    ...overrides,
  });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  /** The configuration of an SDK client, without retries, so that an injected fault is visible. */
  const client = { endpoint: aws.url, region: 'us-east-1', credentials, maxAttempts: 1 };

  async function control(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(`${aws.url}/_local/${path}`, init);
    return { status: response.status, body: await response.json() };
  }

  return { ...aws, invoked, failures, reports, client, control };
}

/** A valid entry of PutEvents with overrides. */
export function entry(overrides: object = {}) {
  const valid = { Source: 'test', DetailType: 'message.received', Detail: '{"data":{}}', EventBusName: 'omnichannel' };
  return { ...valid, ...overrides };
}

/** One invocation of the function; the last step repeats. */
export type Step = (event: unknown) => unknown;

export type TestMachine = Awaited<ReturnType<typeof startTestMachine>>;

export const sendArn = stateMachineArn('send');

/** A step that throws a function's error. */
export function failsWith(errorType: string, errorMessage = 'no'): Step {
  return () => {
    throw new InvocationError({ errorType, errorMessage, trace: ['at send'] });
  };
}

/** A step that is above the function's reserved concurrency. */
export const throttles: Step = () => {
  throw new ThrottledError();
};

/** For tests: the deployed state machine with a scripted function. */
export async function startTestMachine(
  steps: readonly Step[],
  overrides: Partial<LocalAwsOptions> & { readonly definition?: StateMachineResource['definition'] } = {},
) {
  const { definition = (found: StateMachineResources) => sendStateMachine(found), ...options } = overrides;
  /** The inputs of the function. */
  const sent: unknown[] = [];
  const { 'send-ended': ended } = topology.rules;
  if (!ended) throw new Error('the topology has no rule for ended executions');
  const aws = await startTestAws({
    resources: {
      ...resources,
      rules: { 'send-ended': ended },
      stateMachines: { send: { ...topology.stateMachines.send, definition } },
    },
    machineRetryDelayMs: 1,
    async invoke(_name, event) {
      sent.push(event);
      return steps[Math.min(sent.length, steps.length) - 1]?.(event);
    },
    ...options,
  });
  const sfn = new SFNClient(aws.client);
  const sqs = new SQSClient(aws.client);

  return {
    ...aws,
    sfn,
    sent,
    async start(input: object, name?: string): Promise<string> {
      const command = new StartExecutionCommand({ stateMachineArn: sendArn, input: JSON.stringify(input), name });
      const { executionArn } = await sfn.send(command);
      return executionArn ?? '';
    },
    /** Waits until idle, executions included, and returns how one ended. */
    async ended(executionArn: string) {
      await aws.control('GET', 'idle?executions=wait');
      const { status, output, error, cause } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
      return {
        ...(status && { status }),
        ...(output && { output }),
        ...(error && { error }),
        ...(cause && { cause }),
      };
    },
    async history(executionArn: string): Promise<readonly HistoryEvent[]> {
      return (await sfn.send(new GetExecutionHistoryCommand({ executionArn }))).events ?? [];
    },
    /** Receives the messages of the dead-letter queue. */
    async deadLetters(): Promise<readonly unknown[]> {
      const command = new ReceiveMessageCommand({ QueueUrl: aws.deadLetterQueueUrl, MaxNumberOfMessages: 10 });
      const { Messages = [] } = await sqs.send(command);
      return Messages.map(({ Body = '' }): unknown => JSON.parse(Body));
    },
  };
}
