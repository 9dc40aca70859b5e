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

/** Whether an execution is running. False if it does not exist. */
export async function isRunning(executionArn: string): Promise<boolean> {
  try {
    return (await client.send(new DescribeExecutionCommand({ executionArn }))).status === 'RUNNING';
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) return false;
    throw error;
  }
}

/** The input of an execution. Undefined if it does not exist. */
export async function getExecutionInput(executionArn: string): Promise<unknown> {
  try {
    const { input } = await client.send(new DescribeExecutionCommand({ executionArn }));
    return input === undefined ? undefined : JSON.parse(input);
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) return undefined;
    throw error;
  }
}

/** Starts an execution of the send state machine and returns its ARN. Undefined if an execution of that name exists. */
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
