import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { required } from './configuration.ts';

const client = new SFNClient({
  requestHandler: { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true },
});

/** Whether an execution is still running; one that nobody knows is not. */
export async function isRunning(executionArn: string): Promise<boolean> {
  try {
    return (await client.send(new DescribeExecutionCommand({ executionArn }))).status === 'RUNNING';
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) return false;
    throw error;
  }
}

/** What an execution was started with; undefined for one that nobody knows. */
export async function getExecutionInput(executionArn: string): Promise<unknown> {
  try {
    const { input } = await client.send(new DescribeExecutionCommand({ executionArn }));
    return input === undefined ? undefined : JSON.parse(input);
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) return undefined;
    throw error;
  }
}

/** Starts a run of the send machine, once for each name. Answers its ARN, or undefined when there was one of that name. */
export async function startSendExecution(name: string, input: unknown): Promise<string | undefined> {
  const stateMachineArn = required('SEND_MACHINE_ARN', 'the ARN of the send state machine');
  try {
    const started = await client.send(
      new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
    );
    return started.executionArn;
  } catch (error) {
    if (error instanceof ExecutionAlreadyExists) return undefined;
    throw error;
  }
}
