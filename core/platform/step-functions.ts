import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  InvalidToken,
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

export async function executionStatus(name: string): Promise<'running' | 'ended' | 'missing'> {
  try {
    const { status } = await client.send(new DescribeExecutionCommand({ executionArn: executionArn(name) }));
    return status === 'RUNNING' ? 'running' : 'ended';
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) return 'missing';
    throw error;
  }
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
