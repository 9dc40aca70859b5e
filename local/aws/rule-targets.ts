import * as z from 'zod/mini';
import { parseJson } from '../../core/platform/json.ts';
import { ruleArn } from './arn.ts';
import type { Envelope } from './event-bridge.ts';
import { AwsError, eventName, isRecord, parseInput, unsupported } from './protocol.ts';
import { invalidCharacter } from './request-limits.ts';

const text = z.string();
const texts = z.record(z.string(), z.string());

const inputText = z.string().check(z.maxLength(8_192));
const standardQueue = z
  .string()
  .check(z.refine((arn) => !arn.endsWith('.fifo'), 'expected a standard queue, not a FIFO queue'));

/** The target parameters that PutTargets supports. */
const targetSchema = z.strictObject({
  Id: eventName,
  Arn: text,
  RoleArn: z.optional(text),
  Input: z.optional(inputText),
  InputPath: z.optional(z.string().check(z.maxLength(256))),
  InputTransformer: z.optional(
    z.strictObject({
      InputPathsMap: z.optional(z.record(z.string(), z.string().check(z.maxLength(256)))),
      InputTemplate: inputText,
    }),
  ),
  DeadLetterConfig: z.optional(z.strictObject({ Arn: z.optional(standardQueue) })),
  RetryPolicy: z.optional(
    z.strictObject({
      MaximumRetryAttempts: z.optional(z.int().check(z.minimum(0), z.maximum(185))),
      MaximumEventAgeInSeconds: z.optional(z.int().check(z.minimum(60), z.maximum(86_400))),
    }),
  ),
  SqsParameters: z.optional(z.strictObject({ MessageGroupId: text })),
  HttpParameters: z.optional(
    z.strictObject({
      PathParameterValues: z.optional(z.array(text)),
      HeaderParameters: z.optional(texts),
      QueryStringParameters: z.optional(texts),
    }),
  ),
});

/** A target of a subscriber's rule, as `ListTargetsByRule` returns it. */
export type Target = z.output<typeof targetSchema>;

/** The resource that a target's ARN names. */
export type Destination =
  | { readonly type: 'queue'; readonly queue: string }
  | { readonly type: 'api'; readonly arn: string };

/** An event that cannot be delivered to a target: EventBridge does not retry it. */
export class UndeliverableError extends Error {
  override readonly name = 'UndeliverableError';
  /** The error code in the dead-letter queue. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** @throws AwsError ValidationException, or UnknownOperationException for a parameter that only AWS supports */
export function parseTarget(input: unknown): Target {
  if (isRecord(input)) {
    const unknown = Object.keys(input).find((key) => !Object.hasOwn(targetSchema.shape, key));
    if (unknown) throw unsupported(`EventBridge PutTargets with ${unknown}`);
  }
  const target = parseInput(targetSchema, input);
  const { Id, InputPath, InputTransformer } = target;
  const destination = findDestination(target.Arn);
  if (destination.type === 'queue' && destination.queue.endsWith('.fifo') && !target.SqsParameters) {
    throw invalid(`Parameter(s) MessageGroupId must be specified for target: ${Id}.`);
  }
  if ([target.Input, InputPath, InputTransformer].filter((one) => one !== undefined).length > 1) {
    throw invalid(`Only one of Input, InputPath, or InputTransformer must be provided for target ${Id}.`);
  }
  if (target.Input !== undefined && parseJson(target.Input) === undefined) {
    throw invalid(`JSON syntax error in input for target ${Id}`);
  }
  if (InputPath !== undefined) parsePath(InputPath);
  if (InputTransformer) checkTransformer(Id, InputTransformer);
  return target;
}

/** @throws AwsError UnknownOperationException for a resource of another service */
export function findDestination(arn: string): Destination {
  const queue = /^arn:aws:sqs:[\w-]+:\d+:([\w.-]+)$/.exec(arn)?.[1];
  if (queue !== undefined) return { type: 'queue', queue };
  if (/^arn:aws:events:[\w-]+:\d+:api-destination\//.test(arn)) return { type: 'api', arn };
  throw unsupported(`EventBridge PutTargets of ${arn} (only SQS queues and API destinations)`);
}

/**
 * Returns the JSON payload that a target receives for an event.
 *
 * @throws UndeliverableError
 */
export function createInput(target: Target, event: Envelope, rule: RuleName) {
  const { Input, InputPath, InputTransformer } = target;
  if (Input !== undefined) return Input;
  if (InputPath !== undefined) {
    const found = readPath(event, InputPath);
    if (found === undefined) throw new UndeliverableError('INVALID_JSON', `The event has nothing at ${InputPath}`);
    return JSON.stringify(found);
  }
  if (!InputTransformer) return JSON.stringify(event);
  const { InputPathsMap = {}, InputTemplate } = InputTransformer;
  return renderTemplate(InputTemplate, (name) => {
    const reserved = reservedVariables.get(name);
    if (reserved) return reserved(event, rule);
    const path = InputPathsMap[name];
    return path === undefined ? undefined : readPath(event, path);
  });
}

/** The attributes with which EventBridge sends an event to a dead-letter queue. */
export function deadLetterAttributes(
  rule: RuleName,
  targetArn: string,
  error: { readonly code: string; readonly message: string },
  retries: number,
) {
  return {
    RULE_ARN: ruleArn(rule.bus, rule.name),
    TARGET_ARN: targetArn,
    ERROR_CODE: error.code,
    // An attribute of a message may be neither empty nor contain these characters.
    ERROR_MESSAGE: error.message.replace(new RegExp(invalidCharacter, 'gu'), '\uFFFD') || error.code,
    RETRY_ATTEMPTS: String(retries),
  };
}

/** The value of a parameter, which may be a path into the event. */
export function readParameter(event: Envelope, value: string): string {
  if (!value.startsWith('$.')) return value;
  const found = readPath(event, value);
  if (found === undefined) throw new UndeliverableError('INVALID_PARAMETER', `The event has nothing at ${value}`);
  return typeof found === 'string' ? found : JSON.stringify(found);
}

function invalid(message: string): AwsError {
  return new AwsError('ValidationException', message);
}

interface RuleName {
  readonly bus: string;
  readonly name: string;
}

/** The variables of an input transformer that EventBridge defines. */
const reservedVariables = new Map<string, (event: Envelope, rule: RuleName) => unknown>([
  ['aws.events.rule-arn', (_, { bus, name }) => ruleArn(bus, name)],
  ['aws.events.rule-name', (_, { name }) => name],
  ['aws.events.event.ingestion-time', ({ time }) => time],
  ['aws.events.event', ({ detail: _, ...withoutDetail }) => withoutDetail],
  ['aws.events.event.json', (event) => event],
]);

const maxVariables = 100;

function checkTransformer(id: string, transformer: NonNullable<Target['InputTransformer']>): void {
  const { InputPathsMap = {}, InputTemplate } = transformer;
  const names = Object.keys(InputPathsMap);
  const reserved = names.find((name) => reservedVariables.has(name) || name.startsWith('AWS.'));
  if (reserved) throw invalid(`Invalid InputPathsMap for target ${id}: ${reserved} is reserved`);
  if (names.length > maxVariables)
    throw invalid(`InputPathsMap for target ${id} has more than ${maxVariables} entries`);
  for (const path of Object.values(InputPathsMap)) parsePath(path);
  const rendered = renderTemplate(InputTemplate, (name) => {
    if (names.includes(name) || reservedVariables.has(name)) return 0;
    throw invalid(`Invalid InputTemplate for target ${id} : no variable named ${name}`);
  });
  if (parseJson(rendered) === undefined) throw invalid(`Invalid InputTemplate for target ${id} : it is not JSON`);
}

/** Replaces `<variable>`. Inside quotation marks, inserts the value as a string. A missing value becomes an empty string. */
function renderTemplate(template: string, read: (variable: string) => unknown): string {
  let inText = false;
  return template.replaceAll(/"|\\.|<([^<>"\s]+)>/gs, (token: string, variable: string | undefined) => {
    if (token === '"') inText = !inText;
    if (variable === undefined) return token;
    const value = read(variable) ?? '';
    const json = JSON.stringify(value);
    if (!inText) return json;
    return typeof value === 'string' ? json.slice(1, -1) : JSON.stringify(json).slice(1, -1);
  });
}

/** The steps of a JSONPath. @throws AwsError UnknownOperationException for anything but names and indexes */
function parsePath(path: string): readonly (string | number)[] {
  if (!/^\$(\.[\w/-]+|\[\d+\])*$/.test(path)) {
    throw unsupported(`The path ${path} (only names and indexes, such as $.detail.data[0].id)`);
  }
  return [...path.matchAll(/\.([\w/-]+)|\[(\d+)\]/g)].map(([, name, index]) => name ?? Number(index));
}

/** Returns undefined if there is no value. */
function readPath(event: Envelope, path: string): unknown {
  return parsePath(path).reduce<unknown>((value, step) => {
    if (Array.isArray(value)) return typeof step === 'number' ? value[step] : undefined;
    return isRecord(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }, event);
}

interface Rule {
  readonly name: string;
  readonly bus: string;
  /** JSON, or its value. */
  readonly pattern: unknown;
  readonly enabled: boolean;
  readonly description?: string | undefined;
}

/** A rule as DescribeRule and ListRules return it. */
export function viewRule({ name, bus, pattern, enabled, description }: Rule) {
  return {
    Name: name,
    Arn: ruleArn(bus, name),
    EventBusName: bus,
    EventPattern: typeof pattern === 'string' ? pattern : JSON.stringify(pattern),
    State: enabled ? 'ENABLED' : 'DISABLED',
    Description: description,
  };
}
