import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type MachineResources, sendMachine } from '../../core/outbound/machine.ts';
import * as topology from '../../stacks/topology.ts';
import { InvocationError } from '../lambda/errors.ts';
import { stateMachineArn } from '../lambda/names.ts';
import type { CloudOptions, StateMachineResource } from './cloud.ts';
import { resources, startTestCloud, type TestCloud } from './test-cloud.ts';

/** What the function does at its first call, its second and so on; the last one again and again. */
export type Step = (event: unknown) => unknown;

export interface TestMachine extends TestCloud {
  readonly sfn: SFNClient;
  /** What `send` was called with. */
  readonly sent: unknown[];
  start(input: object, name?: string): Promise<string>;
  /** Waits until nothing runs, executions included, and says how one ended. */
  ended(executionArn: string): Promise<{ status?: string; output?: string; error?: string; cause?: string }>;
  history(executionArn: string): Promise<readonly HistoryEvent[]>;
  /** What lies in the dead-letter queue. */
  letters(): Promise<readonly unknown[]>;
}

export const sendArn = stateMachineArn('send');

/** A step that fails as a function does. */
export function failsWith(errorType: string, errorMessage = 'no'): Step {
  return () => {
    throw new InvocationError({ errorType, errorMessage, trace: ['at send'] });
  };
}

/** For tests: the deployed state machine with a function that follows a script. */
export async function startTestMachine(
  steps: readonly Step[],
  overrides: Partial<CloudOptions> & { readonly definition?: StateMachineResource['definition'] } = {},
): Promise<TestMachine> {
  const { definition = (found: MachineResources) => sendMachine(found), ...options } = overrides;
  const sent: unknown[] = [];
  const { 'send-requested': requested, 'send-ended': ended } = topology.rules;
  if (!requested || !ended) throw new Error('the topology has no rules for sends');
  const cloud = await startTestCloud({
    resources: {
      ...resources,
      rules: { 'send-requested': requested, 'send-ended': ended },
      stateMachines: { send: { definition, function: 'send', queue: 'deadLetters' } },
    },
    delays: { asyncRetriesMs: [], retryMs: 1 },
    async invoke(_name, event) {
      sent.push(event);
      return steps[Math.min(sent.length, steps.length) - 1]?.(event);
    },
    ...options,
  });
  const sfn = new SFNClient(cloud.client);
  const sqs = new SQSClient(cloud.client);

  return {
    ...cloud,
    sfn,
    sent,
    async start(input, name) {
      const command = new StartExecutionCommand({ stateMachineArn: sendArn, input: JSON.stringify(input), name });
      const { executionArn } = await sfn.send(command);
      return executionArn ?? '';
    },
    async ended(executionArn) {
      await cloud.control('GET', 'idle?executions=wait');
      const { status, output, error, cause } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
      return {
        ...(status && { status }),
        ...(output && { output }),
        ...(error && { error }),
        ...(cause && { cause }),
      };
    },
    async history(executionArn) {
      return (await sfn.send(new GetExecutionHistoryCommand({ executionArn }))).events ?? [];
    },
    async letters() {
      const command = new ReceiveMessageCommand({ QueueUrl: cloud.deadLetterQueueUrl, MaxNumberOfMessages: 10 });
      const { Messages = [] } = await sqs.send(command);
      return Messages.map(({ Body = '' }): unknown => JSON.parse(Body));
    },
  };
}
