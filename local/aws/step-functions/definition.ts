import aslValidator from 'asl-validator';
import * as z from 'zod/mini';
import { stateMachineArn } from '../arn.ts';
import { describeIssue, isRecord, type Json, localeError } from '../protocol.ts';
import { compilePath, compileTemplate, UnsupportedStateMachineError } from './expressions.ts';

export type CompiledMachine = ReturnType<typeof compileMachine>;

export type State = z.output<typeof stateSchema>;
export type TaskState = Extract<State, { Type: 'Task' }>;
export type WaitState = Extract<State, { Type: 'Wait' }>;
export type Retrier = TaskState['Retry'][number];

export class InvalidStateMachineError extends Error {
  override readonly name = 'InvalidStateMachineError';

  constructor(machine: string, problems: string) {
    super(`The definition of the state machine "${machine}" is not valid:\n${problems}`);
  }
}

const functionArn = z.string().check(z.regex(/^arn:[\w-]+:lambda:[^:]+:\d+:function:[\w-]+$/));

/** The supported integrations with other services: a function that completes its task with a token, and a queue. */
const integrations = [
  {
    arn: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
    service: 'lambda',
    action: 'invoke.waitForTaskToken',
    parameters: z.strictObject({ FunctionName: functionArn, Payload: z.json() }),
  },
  {
    arn: 'arn:aws:states:::sqs:sendMessage',
    service: 'sqs',
    action: 'sendMessage',
    parameters: z.strictObject({ QueueUrl: z.string(), MessageBody: z.json() }),
  },
] as const;

/** What a Task state calls: the function with this ARN, unless it is the ARN of an integration. */
export interface Resource {
  readonly arn: string;
  readonly integration: (typeof integrations)[number] | undefined;
}

const path = z.pipe(z.string(), z.transform(compilePath));
const transition = { Next: z.optional(z.string()), End: z.optional(z.boolean()) };
/** The field of the input that receives the result. Null discards the result. */
const resultPath = {
  ResultPath: z.optional(
    z.pipe(
      z.nullable(z.string().check(z.regex(/^\$\.[\w-]+$/))),
      z.transform((text) => text?.slice('$.'.length) ?? null),
    ),
  ),
};
const retrier = z.strictObject({
  ErrorEquals: z.array(z.string()),
  IntervalSeconds: z._default(z.number(), 1),
  MaxAttempts: z._default(z.number(), 3),
  BackoffRate: z._default(z.number(), 2),
  MaxDelaySeconds: z._default(z.number(), Number.POSITIVE_INFINITY),
  JitterStrategy: z._default(z.enum(['NONE', 'FULL']), 'NONE'),
});
const catcher = z.strictObject({ ErrorEquals: z.array(z.string()), ...resultPath, Next: z.string() });

const stateSchema = z.discriminatedUnion('Type', [
  z.pipe(
    z.strictObject({
      Type: z.literal('Task'),
      ...transition,
      ...resultPath,
      Resource: z.string(),
      Parameters: z.optional(z.json()),
      TimeoutSeconds: z.optional(z.number()),
      TimeoutSecondsPath: z.optional(path),
      HeartbeatSeconds: z.optional(z.number()),
      HeartbeatSecondsPath: z.optional(path),
      Retry: z._default(z.array(retrier), []),
      Catch: z._default(z.array(catcher), []),
    }),
    z.transform(({ Resource, Parameters, ...state }) => ({ ...state, ...compileTask(Resource, Parameters) })),
  ),
  z.strictObject({
    Type: z.literal('Pass'),
    ...transition,
    ...resultPath,
    Parameters: z._default(z.pipe(z.json(), z.transform(compileTemplate)), () => compilePath('$')),
  }),
  z.strictObject({ Type: z.literal('Wait'), ...transition, TimestampPath: path }),
  z.strictObject({ Type: z.literal('Fail'), ErrorPath: path, CausePath: path }),
]);

const machineSchema = z.strictObject({
  Comment: z.optional(z.string()),
  StartAt: z.string(),
  TimeoutSeconds: z.optional(z.number()),
  States: z.record(z.string(), stateSchema),
});

/**
 * Compiles what a task calls and what it passes: the input of the state to a function, its parameters to a service.
 *
 * @throws UnsupportedStateMachineError
 */
function compileTask(arn: string, parameters: Json | undefined) {
  const integration = integrations.find((one) => one.arn === arn);
  if (!integration && !functionArn.safeParse(arn).success)
    throw new UnsupportedStateMachineError(`The resource ${arn}`);
  const checked = (integration?.parameters ?? z.undefined()).safeParse(parameters, { error: localeError });
  if (checked.error) throw new UnsupportedStateMachineError(`A task of ${arn} (${describeIssue(checked.error)})`);
  const resource: Resource = { arn, integration };
  return { resource, parameters: parameters === undefined ? compilePath('$') : compileTemplate(parameters) };
}

/** Like zod, but names also the type of a state that is not supported. */
function describeProblem(issue: z.core.$ZodRawIssue) {
  const { input, options } = issue;
  if (!isRecord(input) || !Array.isArray(options)) return localeError(issue);
  return `The type "${input.Type}" (supported: ${options.join(', ')})`;
}

/**
 * Validates a definition in Amazon States Language, with JSONPath, and compiles its expressions. All executions share
 * the result.
 *
 * @throws InvalidStateMachineError that lists all problems that CreateStateMachine would report.
 * @throws UnsupportedStateMachineError for a valid definition with a state, field or expression that the app does not use.
 */
export function compileMachine(name: string, definition: object) {
  // The validator adds fields to the object that it receives.
  const { isValid, errorsText } = aslValidator(structuredClone(definition));
  if (!isValid) throw new InvalidStateMachineError(name, errorsText('\n'));
  const parsed = machineSchema.safeParse(definition, { error: describeProblem });
  if (!parsed.success) throw new UnsupportedStateMachineError(describeIssue(parsed.error));
  const { StartAt, TimeoutSeconds, States } = parsed.data;
  for (const [state, fields] of Object.entries(States)) {
    if (fields.Type !== 'Task' || fields.HeartbeatSeconds === undefined) continue;
    if (fields.HeartbeatSeconds < (fields.TimeoutSeconds ?? Number.POSITIVE_INFINITY)) continue;
    const problem = `HeartbeatSeconds of the state "${state}" must be less than TimeoutSeconds`;
    throw new InvalidStateMachineError(name, problem);
  }
  return {
    name,
    arn: stateMachineArn(name),
    createdAt: new Date(),
    definition,
    startAt: StartAt,
    timeoutSeconds: TimeoutSeconds,
    states: new Map(Object.entries(States)),
  };
}
