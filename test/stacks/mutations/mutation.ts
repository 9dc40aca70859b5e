import type { App, Emitted } from '../emitted.ts';
import { find, ofType } from '../select.ts';

/** A stage as it would be if somebody had broken something. */
export type Mutation = (app: App) => App;

export const changed = (app: App, resources: readonly Emitted[]): App => ({ ...app, resources });

export const without =
  (type: string, name?: string): Mutation =>
  (app) => {
    const [first] = ofType(app, type);
    const gone = name === undefined ? first : find(app, type, name);
    return changed(
      app,
      app.resources.filter((resource) => resource !== gone),
    );
  };

/** Sets one input, by its path, of the resource of this type and name. */
export const having =
  (type: string, name: string, path: string, value: unknown): Mutation =>
  (app) => {
    const target = find(app, type, name);
    if (Object.keys(target.inputs).length === 0) throw new Error(`there is no ${type} ${name} to break`);
    return changed(
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

export const also =
  (type: string, name: string, inputs: Emitted['inputs']): Mutation =>
  (app) =>
    changed(app, [...app.resources, { type, name, inputs, retained: false }]);

export const allowing = (actions: string, resource: string) => [
  { policy: JSON.stringify({ Statement: [{ Effect: 'Allow', Action: [actions], Resource: [resource] }] }) },
];

export const trusting = (principal: object) => ({
  Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: principal }],
});
export const admitting = (condition?: object) =>
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

/** Ways to break what a check guards, by what the check promises, and what it must say then. */
export type Mutations = Readonly<Record<string, readonly (readonly [what: string, broken: Mutation, says: RegExp])[]>>;

/** Types by short names. */
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
