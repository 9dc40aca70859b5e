/** A call of a function to AWS, in terms of IAM. */
export interface Request {
  /** The function. Its name is its access key. */
  readonly functionName: string;
  readonly action: string;
  readonly resources: readonly string[];
}

export interface Call {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

const signed = /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\//;
const arn = (service: string, resource: string) => `arn:aws:${service}:us-east-1:123456789012:${resource}`;

/**
 * Parses a call. `deployed` translates a local resource name into the deployed one. A task token belongs to the only state
 * machine, whose name it gets by the variable.
 */
export function parseRequest({ method, url, headers, body }: Call, deployed: (local: string) => string): Request {
  const [, functionName = '', , service = ''] = signed.exec(String(headers.authorization)) ?? [];
  if (service === 's3') return { functionName, ...parseS3Call(method, new URL(url, 'http://s3'), body, deployed) };
  const [, operation = ''] = String(headers['x-amz-target']).split('.');
  const input: Readonly<Record<string, unknown>> = JSON.parse(body);
  const text = (name: string) => deployed(String(input[name]));
  switch (service) {
    case 'dynamodb': {
      const table = arn(service, `table/${text('TableName')}`);
      const index = input.IndexName === undefined ? '' : `/index/${input.IndexName}`;
      return { functionName, action: `dynamodb:${operation}`, resources: [`${table}${index}`] };
    }
    case 'events': {
      const entries = Array.isArray(input.Entries) ? input.Entries : [];
      const buses = entries.map(({ EventBusName }) => arn(service, `event-bus/${deployed(EventBusName)}`));
      return { functionName, action: `events:${operation}`, resources: buses };
    }
    case 'secretsmanager':
      return { functionName, action: `${service}:${operation}`, resources: [arn(service, `secret:${input.SecretId}`)] };
    case 'sqs': {
      const queue =
        deployed(new URL(String(input.QueueUrl)).pathname)
          .split('/')
          .at(-1) ?? '';
      return { functionName, action: `sqs:${operation}`, resources: [arn(service, queue)] };
    }
    case 'states': {
      const resource =
        typeof input.taskToken === 'string' ? deployed('SEND_MACHINE_ARN') : stateMachineArn(input, deployed);
      return { functionName, action: `states:${operation}`, resources: [resource] };
    }
    default:
      throw new Error(`the proxy does not support ${service}`);
  }
}

/** The ARN of an execution is that of its state machine plus its name. */
function stateMachineArn(
  { executionArn, stateMachineArn }: Readonly<Record<string, unknown>>,
  deployed: (local: string) => string,
) {
  if (typeof executionArn !== 'string') return deployed(String(stateMachineArn));
  const [machine = '', name = ''] = executionArn.split(/:(?=[^:]*$)/);
  return `${deployed(machine.replace(':execution:', ':stateMachine:')).replace(':stateMachine:', ':execution:')}:${name}`;
}

function parseS3Call(
  method: string,
  url: URL,
  body: string,
  deployed: (local: string) => string,
): Omit<Request, 'functionName'> {
  const [, local = '', ...rest] = decodeURIComponent(url.pathname).split('/');
  const bucket = `arn:aws:s3:::${deployed(local)}`;
  const object = (key: string) => `${bucket}/${key}`;
  if (method === 'POST' && url.searchParams.has('delete')) {
    const keys = [...body.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) => key);
    return { action: 's3:DeleteObject', resources: keys.map(object) };
  }
  if (rest.join('/') === '') return { action: 's3:ListBucket', resources: [bucket] };
  return { action: method === 'PUT' ? 's3:PutObject' : 's3:GetObject', resources: [object(rest.join('/'))] };
}
