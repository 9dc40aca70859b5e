/** The responses of AWS that inputs of the app depend on. Names have no random suffix, so that tests can predict them. */

export const account = '123456789012';
export const region = process.env.AWS_REGION || 'us-east-1';

/** The value of every random password. */
export const edgeKey = 'key-'.padEnd(64, '0');

export interface MockedResource {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** The id of a resource of another app, which the program only reads. */
  readonly id?: string | undefined;
}

const arn = (service: string, resource: unknown) => `arn:aws:${service}:${region}:${account}:${String(resource)}`;

/** The outputs of a resource, by Pulumi type. */
const outputs: Readonly<Record<string, (name: unknown, inputs: MockedResource['inputs']) => Record<string, unknown>>> =
  {
    'aws:lambda/function:Function': (name, inputs) => ({
      arn: arn('lambda', `function:${name}`),
      qualifiedArn: arn('lambda', `function:${name}:1`),
      invokeArn: arn('lambda', `function:${name}`),
      responseStreamingInvokeArn: arn('lambda', `function:${name}`),
      publish: inputs.publish ?? false,
      version: '1',
      lastModified: '',
    }),
    'aws:sqs/queue:Queue': (name) => ({
      arn: arn('sqs', name),
      url: `https://sqs.${region}.amazonaws.com/${account}/${name}`,
    }),
    'aws:sns/topic:Topic': (name) => ({ arn: arn('sns', name) }),
    'aws:dynamodb/table:Table': (name) => ({ arn: arn('dynamodb', `table/${name}`) }),
    'aws:s3/bucket:Bucket': (_, { bucket }) => ({ arn: `arn:aws:s3:::${bucket}` }),
    'aws:iam/role:Role': (name) => ({ arn: `arn:aws:iam::${account}:role/${name}` }),
    'aws:cloudwatch/eventBus:EventBus': (name) => ({ arn: arn('events', `event-bus/${name}`) }),
    'aws:cloudwatch/eventRule:EventRule': (name, { eventBusName }) => ({
      arn: arn('events', eventBusName ? `rule/${eventBusName}/${name}` : `rule/${name}`),
    }),
    'aws:cloudwatch/logGroup:LogGroup': (name) => ({ arn: arn('logs', `log-group:${name}`) }),
    'aws:cloudwatch/metricAlarm:MetricAlarm': (name) => ({ arn: arn('cloudwatch', `alarm:${name}`) }),
    'aws:sfn/stateMachine:StateMachine': (name) => ({ arn: arn('states', `stateMachine:${name}`) }),
    'aws:secretsmanager/secret:Secret': (name) => ({ arn: arn('secretsmanager', `secret:${name}-AbCdEf`) }),
    'aws:apigatewayv2/api:Api': () => ({
      apiEndpoint: `https://api-id.execute-api.${region}.amazonaws.com`,
      executionArn: arn('execute-api', 'api-id'),
    }),
    'aws:kms/key:Key': () => ({ arn: arn('kms', 'key/customer') }),
    'aws:cloudfront/distribution:Distribution': () => ({ domainName: 'd111111abcdef8.cloudfront.net' }),
    'aws:wafv2/ipSet:IpSet': (name) => ({ arn: `arn:aws:wafv2:us-east-1:${account}:global/ipset/${name}/1` }),
    'aws:wafv2/webAcl:WebAcl': (name) => ({ arn: `arn:aws:wafv2:us-east-1:${account}:global/webacl/${name}/1` }),
    'random:index/randomPassword:RandomPassword': () => ({ result: edgeKey }),
    'random:index/randomBytes:RandomBytes': () => ({ base64: Buffer.alloc(32).toString('base64') }),
  };

export function createState(resource: MockedResource): { id: string; state: Record<string, unknown> } {
  const { type, name, inputs } = resource;
  const physical = resource.id || (inputs.name ?? name);
  const id = type === 'aws:apigatewayv2/api:Api' ? 'api-id' : String(inputs.bucket ?? physical);
  return { id, state: { ...inputs, name: physical, ...outputs[type]?.(physical, inputs) } };
}

interface Statement {
  readonly effect?: string;
  readonly actions?: unknown;
  readonly resources?: unknown;
  readonly principals?: unknown;
  readonly conditions?: unknown;
}

/** Responds to the invokes of Pulumi. */
export function respondToCall(token: string, inputs: { readonly statements?: readonly Statement[] }): object {
  if (token.endsWith(':getCallerIdentity')) return { accountId: account };
  if (token.endsWith(':getRegion')) return { name: region, region };
  if (token.endsWith(':getPartition')) return { partition: 'aws' };
  if (token.endsWith(':getPolicyDocument')) return { ...inputs, json: policyDocument(inputs.statements ?? []) };
  throw new Error(`the mocks do not implement ${token}`);
}

function policyDocument(statements: readonly Statement[]): string {
  const Statement = statements.map(({ effect = 'Allow', actions, resources, principals, conditions }) => ({
    Effect: effect,
    Action: actions,
    Resource: resources,
    Principal: principals,
    Condition: conditions,
  }));
  return JSON.stringify({ Version: '2012-10-17', Statement });
}
