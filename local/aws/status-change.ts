import { type Execution, statusOf } from './executions.ts';

/** What AWS puts on the default bus about its own resources. */
export interface AwsEvent {
  readonly source: `aws.${string}`;
  readonly detailType: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Above this, AWS leaves out the input, and then the output as well. */
const maximumBytes = 248 * 1_024;

/** What AWS tells everyone when an execution starts or ends. Times in milliseconds since 1970. */
export function statusChange(execution: Execution): AwsEvent {
  const { arn, name, machine, startedAt, stoppedAt, ending } = execution;
  const { output, error, cause } = ending ?? {};
  const outputBytes = escapedBytes(output);
  return {
    source: 'aws.states',
    detailType: 'Step Functions Execution Status Change',
    resources: [arn],
    detail: {
      executionArn: arn,
      stateMachineArn: machine.arn,
      name,
      status: statusOf(execution),
      startDate: startedAt.getTime(),
      stopDate: stoppedAt?.getTime() ?? null,
      ...included('input', execution.input, escapedBytes(execution.input) + outputBytes <= maximumBytes),
      ...included('output', output, outputBytes <= maximumBytes),
      ...(error !== undefined && { error }),
      ...(cause !== undefined && { cause }),
    },
  };
}

function included(field: 'input' | 'output', text: string | undefined, fits: boolean): Record<string, unknown> {
  if (text === undefined) return { [field]: null, [`${field}Details`]: null };
  return { [field]: fits ? text : null, [`${field}Details`]: { included: fits } };
}

function escapedBytes(text: string | undefined): number {
  return text === undefined ? 0 : Buffer.byteLength(JSON.stringify(text));
}
