import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  GetExecutionHistoryCommand,
  type GetExecutionHistoryCommandOutput,
  InvalidToken,
  ListExecutionsCommand,
  type ListExecutionsCommandInput,
  type ListExecutionsCommandOutput,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import { required } from './configuration.ts';

/** A throttled start must not fail its event: the SDK retries it with jitter within the function's time. */
const maxAttempts = 8;

const client = new SFNClient({
  maxAttempts,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true },
});

/** The ARN of an execution of the send state machine. */
export function executionArn(name: string): string {
  return `${required('SEND_MACHINE_ARN').replace(':stateMachine:', ':execution:')}:${name}`;
}

/**
 * Starts an execution. Returns false if the name was used with another input or by an execution that has ended. For a running
 * execution with the same input it returns true.
 */
export async function startExecution(name: string, input: string): Promise<boolean> {
  try {
    await client.send(new StartExecutionCommand({ stateMachineArn: required('SEND_MACHINE_ARN'), name, input }));
    return true;
  } catch (error) {
    if (error instanceof ExecutionAlreadyExists) return false;
    throw error;
  }
}

/** Reads an execution. Undefined if the execution does not exist: Step Functions deletes an execution 90 days after its end. */
export async function describeExecution(arn: string): Promise<DescribeExecutionCommandOutput | undefined> {
  try {
    return await client.send(new DescribeExecutionCommand({ executionArn: arn }));
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) return undefined;
    throw error;
  }
}

/** Lists executions of the send state machine, latest first. */
export function listExecutionPage(
  query: Pick<ListExecutionsCommandInput, 'statusFilter' | 'maxResults' | 'nextToken'>,
): Promise<ListExecutionsCommandOutput> {
  return client.send(new ListExecutionsCommand({ stateMachineArn: required('SEND_MACHINE_ARN'), ...query }));
}

/** The last events of an execution, latest first. */
export function readHistory(arn: string, maxResults: number): Promise<GetExecutionHistoryCommandOutput> {
  return client.send(new GetExecutionHistoryCommand({ executionArn: arn, maxResults, reverseOrder: true }));
}

export async function executionStatus(name: string): Promise<'running' | 'ended' | 'missing'> {
  const execution = await describeExecution(executionArn(name));
  if (!execution) return 'missing';
  return execution.status === 'RUNNING' ? 'running' : 'ended';
}

/** Completes a task that waits for its token. Returns false if it no longer waits. */
export async function completeTask(taskToken: string, output: string): Promise<boolean> {
  try {
    await client.send(new SendTaskSuccessCommand({ taskToken, output }));
    return true;
  } catch (error) {
    if (error instanceof TaskTimedOut || error instanceof InvalidToken || error instanceof TaskDoesNotExist)
      return false;
    throw error;
  }
}
