import aslValidator from 'asl-validator';
import * as z from 'zod/mini';
import { stateMachineArn } from '../arn.ts';
import { isRecord } from '../protocol.ts';
import { compileCondition } from './choice.ts';
import {
  compileExpression,
  compileTemplate,
  type Evaluate,
  type Path,
  parsePath,
  UnsupportedExpressionError,
} from './expressions.ts';

/** The resource of a Task state: a function or another service. */
export type Resource =
  | { readonly kind: 'lambda'; readonly arn: string; readonly function: string }
  | {
      readonly kind: 'service';
      readonly type: 'lambda' | 'sqs';
      /** As it stands in the history: `invoke`, `invoke.waitForTaskToken`. */
      readonly action: string;
      readonly waitForTaskToken: boolean;
    };

export type CompiledMachine = ReturnType<typeof compileMachine>;

export type State = z.output<typeof stateSchema>;
export type TaskState = Extract<State, { Type: 'Task' }>;
export type PassState = Extract<State, { Type: 'Pass' }>;
export type ChoiceState = Extract<State, { Type: 'Choice' }>;
export type FailState = Extract<State, { Type: 'Fail' }>;
export type WaitState = Extract<State, { Type: 'Wait' }>;
export type Retrier = NonNullable<TaskState['Retry']>[number];

export class UnsupportedStateMachineError extends Error {
  override readonly name = 'UnsupportedStateMachineError';

  constructor(machine: string, what: string) {
    super(`${what} in the state machine "${machine}" is not supported by the local engine`);
  }
}

export class InvalidStateMachineError extends Error {
  override readonly name = 'InvalidStateMachineError';

  constructor(machine: string, problems: readonly string[]) {
    super(`The definition of the state machine "${machine}" is not valid:\n${problems.join('\n')}`);
  }
}

const path = z.pipe(z.string(), z.transform(parsePath));
/** Null discards the value. */
const nullablePath = z.pipe(
  z.nullable(z.string()),
  z.transform((text): Path | null => (text === null ? null : parsePath(text))),
);
const template = z.pipe(z.unknown(), z.transform(compileTemplate));
const expression = z.pipe(
  z.string(),
  z.transform((text): Evaluate => compileExpression(text)),
);

const inputOutput = { InputPath: z.optional(nullablePath), OutputPath: z.optional(nullablePath) };
const transition = { Next: z.optional(z.string()) };
const retrier = z.object({
  ErrorEquals: z.array(z.string()),
  IntervalSeconds: z._default(z.number(), 1),
  MaxAttempts: z._default(z.number(), 3),
  BackoffRate: z._default(z.number(), 2),
  MaxDelaySeconds: z.optional(z.number()),
  JitterStrategy: z._default(z.enum(['NONE', 'FULL']), 'NONE'),
});
const catcher = z.object({
  ErrorEquals: z.array(z.string()),
  ResultPath: z.optional(nullablePath),
  Next: z.string(),
});
const choiceRule = z.pipe(
  z.looseObject({ Next: z.string() }),
  z.transform((rule) => ({ matches: compileCondition(rule), next: rule.Next })),
);

const stateSchema = z.discriminatedUnion('Type', [
  z.object({
    Type: z.literal('Task'),
    ...inputOutput,
    ...transition,
    Resource: z.string(),
    Parameters: z.optional(template),
    ResultSelector: z.optional(template),
    ResultPath: z.optional(nullablePath),
    TimeoutSeconds: z.optional(z.number()),
    TimeoutSecondsPath: z.optional(path),
    HeartbeatSeconds: z.optional(z.number()),
    HeartbeatSecondsPath: z.optional(path),
    Retry: z.optional(z.array(retrier)),
    Catch: z.optional(z.array(catcher)),
  }),
  z.object({
    Type: z.literal('Pass'),
    ...inputOutput,
    ...transition,
    Result: z.optional(template),
    Parameters: z.optional(template),
    ResultPath: z.optional(nullablePath),
  }),
  z.object({
    Type: z.literal('Wait'),
    ...inputOutput,
    ...transition,
    Seconds: z.optional(z.number()),
    SecondsPath: z.optional(path),
    Timestamp: z.optional(z.string()),
    TimestampPath: z.optional(path),
  }),
  z.object({
    Type: z.literal('Choice'),
    ...inputOutput,
    Choices: z.array(choiceRule),
    Default: z.optional(z.string()),
  }),
  z.object({ Type: z.literal('Succeed'), ...inputOutput }),
  z.object({
    Type: z.literal('Fail'),
    Error: z.optional(z.string()),
    ErrorPath: z.optional(expression),
    Cause: z.optional(z.string()),
    CausePath: z.optional(expression),
  }),
]);

const supportedTypes: ReadonlySet<string> = new Set(['Task', 'Pass', 'Wait', 'Choice', 'Succeed', 'Fail']);

const definitionSchema = z.looseObject({
  StartAt: z.string(),
  TimeoutSeconds: z.optional(z.number()),
  QueryLanguage: z.optional(z.string()),
  States: z.record(z.string(), z.looseObject({ Type: z.string() })),
});

type Definition = z.output<typeof definitionSchema>;

/**
 * Validates a definition in Amazon States Language, with JSONPath, and compiles its expressions. All executions share
 * the result.
 *
 * @throws UnsupportedStateMachineError
 * @throws InvalidStateMachineError that lists all problems that CreateStateMachine would report.
 */
export function compileMachine(name: string, definition: unknown) {
  const parsed = definitionSchema.parse(definition);
  const resources = supportedResources(name, parsed);
  assertValid(name, parsed, resources);
  const states = Object.entries(parsed.States).map(([state, fields]) => [state, compileState(name, fields)] as const);
  return {
    name,
    arn: stateMachineArn(name),
    createdAt: new Date(),
    definition,
    startAt: parsed.StartAt,
    timeoutSeconds: parsed.TimeoutSeconds,
    states: new Map<string, State>(states),
    /** The resource of each Task state, by the state's name. */
    resources,
  };
}

function compileState(machine: string, fields: unknown): State {
  try {
    return stateSchema.parse(fields);
  } catch (error) {
    if (error instanceof UnsupportedExpressionError) throw new UnsupportedStateMachineError(machine, error.message);
    throw error;
  }
}

function supportedResources(name: string, { States, QueryLanguage }: Definition): ReadonlyMap<string, Resource> {
  if (QueryLanguage === 'JSONata') throw new UnsupportedStateMachineError(name, 'JSONata');
  const resources = new Map<string, Resource>();
  for (const [state, fields] of Object.entries(States)) {
    const { Type, Resource } = fields;
    if (fields.QueryLanguage === 'JSONata') {
      throw new UnsupportedStateMachineError(name, `JSONata of the state "${state}"`);
    }
    if (fields.Assign !== undefined) throw new UnsupportedStateMachineError(name, `Assign of the state "${state}"`);
    if (!supportedTypes.has(Type)) throw new UnsupportedStateMachineError(name, `The ${Type} state "${state}"`);
    if (Type !== 'Task') continue;
    const resource = parseResource(String(Resource));
    if (!resource) throw new UnsupportedStateMachineError(name, `The resource ${Resource} of the state "${state}"`);
    resources.set(state, resource);
  }
  return resources;
}

/** Undefined for an unsupported resource. */
function parseResource(arn: string): Resource | undefined {
  const integration = /^arn:[\w-]+:states:::(lambda:invoke|sqs:sendMessage)(\.waitForTaskToken)?$/.exec(arn);
  if (integration) {
    const [, call = '', suffix = ''] = integration;
    const type = call.startsWith('lambda') ? 'lambda' : 'sqs';
    return { kind: 'service', type, action: call.slice(type.length + 1) + suffix, waitForTaskToken: suffix !== '' };
  }
  const name = /^arn:[\w-]+:lambda:[^:]+:\d+:function:([\w-]+)(?::[\w$-]+)?$/.exec(arn)?.[1];
  return name === undefined ? undefined : { kind: 'lambda', arn, function: name };
}

/** The parameters of each integration, and whether each is required. */
const parameters: Readonly<Record<'lambda' | 'sqs', Readonly<Record<string, boolean>>>> = {
  lambda: { FunctionName: true, Payload: false },
  sqs: { QueueUrl: true, MessageBody: true, DelaySeconds: false },
};

function assertValid(name: string, definition: Definition, resources: ReadonlyMap<string, Resource>): void {
  // The validator adds fields to the object that it receives.
  const { isValid, errorsText } = aslValidator(structuredClone(definition));
  const problems = isValid ? [] : [errorsText('\n')];
  for (const [state, fields] of Object.entries(definition.States)) {
    const { TimeoutSeconds, HeartbeatSeconds, Parameters } = fields;
    const tooLong = typeof TimeoutSeconds === 'number' && Number(HeartbeatSeconds) >= TimeoutSeconds;
    if (tooLong) problems.push(`HeartbeatSeconds of the state "${state}" must be less than TimeoutSeconds`);
    const resource = resources.get(state);
    if (resource?.kind !== 'service') continue;
    const given = isRecord(Parameters) ? Object.keys(Parameters).map((key) => key.replace(/\.\$$/, '')) : [];
    const known = parameters[resource.type];
    const missing = Object.keys(known).filter((field) => known[field] && !given.includes(field));
    problems.push(...missing.map((field) => `The parameter ${field} of the state "${state}" is missing`));
    const unknown = given.find((field) => !Object.hasOwn(known, field));
    if (unknown) throw new UnsupportedStateMachineError(name, `The parameter ${unknown} of the state "${state}"`);
  }
  if (problems.length > 0) throw new InvalidStateMachineError(name, problems);
}
