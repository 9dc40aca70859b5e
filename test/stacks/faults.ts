import type { App, Resource } from './app.ts';
import { type Check, find, ofType } from './select.ts';

/** Introduces a fault into a synthesized stage. */
type Mutation = (app: App) => App;

export const replaceResources = (app: App, resources: readonly Resource[]): App => ({ ...app, resources });

export const removeResource =
  (type: string, name?: string): Mutation =>
  (app) => {
    const [first] = ofType(app, type);
    const gone = name === undefined ? first : find(app, type, name);
    return replaceResources(
      app,
      app.resources.filter((resource) => resource !== gone),
    );
  };

/** Sets the input at `path` of a resource. */
export const setInput =
  (type: string, name: string, path: string, value: unknown): Mutation =>
  (app) => {
    const target = find(app, type, name);
    if (Object.keys(target.inputs).length === 0) throw new Error(`there is no ${type} ${name}`);
    return replaceResources(
      app,
      app.resources.map((resource) =>
        resource === target ? { ...resource, inputs: replaced(resource.inputs, path.split('.'), value) } : resource,
      ),
    );
  };

function replaced(inputs: object, [key = '', ...rest]: readonly string[], value: unknown): Record<string, unknown> {
  const inner: unknown = new Map<string, unknown>(Object.entries(inputs)).get(key);
  const next = rest.length === 0 ? value : replaced(typeof inner === 'object' && inner ? inner : {}, rest, value);
  return { ...inputs, [key]: next };
}

export const addResource =
  (type: string, name: string, inputs: Resource['inputs']): Mutation =>
  (app) =>
    replaceResources(app, [...app.resources, { type, name, inputs, retained: false }]);

export const inlinePolicy = (actions: string, resource: string) => [
  { policy: JSON.stringify({ Statement: [{ Effect: 'Allow', Action: [actions], Resource: [resource] }] }) },
];

export const trustPolicy = (principal: object) => ({
  Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: principal }],
});
export const resourcePolicy = (condition?: object) =>
  JSON.stringify({
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: 'x',
        Condition: condition,
      },
    ],
  });

/** A check of a synthesized stage, and the faults that it must report with the expected problem. */
interface CheckWithFaults {
  readonly check: Check;
  readonly faults: readonly (readonly [fault: string, mutate: Mutation, problem: RegExp])[];
}

/** By the behaviour that they verify. */
export type Checks = Readonly<Record<string, CheckWithFaults>>;

export const types = {
  fn: 'aws:lambda/function:Function',
  rule: 'aws:cloudwatch/eventRule:EventRule',
  target: 'aws:cloudwatch/eventTarget:EventTarget',
  role: 'aws:iam/role:Role',
  table: 'aws:dynamodb/table:Table',
  queue: 'aws:sqs/queue:Queue',
  alarm: 'aws:cloudwatch/metricAlarm:MetricAlarm',
  machine: 'aws:sfn/stateMachine:StateMachine',
  apiStage: 'aws:apigatewayv2/stage:Stage',
  invokeConfig: 'aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig',
  permission: 'aws:lambda/permission:Permission',
  lifecycle: 'aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration',
} as const;
