import { createServer, type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Statement } from './select.ts';

export interface IamProxyOptions {
  /** The AWS endpoint of the local engine. */
  readonly upstream: string;
  /** The statements of the deployed roles, by function. */
  readonly allowed: Readonly<Record<string, readonly Statement[]>>;
  /** Translates a local resource name into the deployed one. */
  readonly deployed: (local: string) => string;
}

export interface IamProxy {
  readonly url: string;
  /** `function action resource` of every allowed call; see {@link describeGrant}. */
  readonly used: ReadonlySet<string>;
  /** The denied calls. */
  readonly denied: readonly string[];
  stop(): void;
}

/** A proxy to the local engine that denies calls that the role of the function does not allow, like IAM. */
export async function startIamProxy({ upstream, allowed, deployed }: IamProxyOptions): Promise<IamProxy> {
  const used = new Set<string>();
  const denied: string[] = [];

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const { method = '', url = '', headers } = incoming;
    const request = parseRequest({ method, url, headers, body: body.toString() }, deployed);
    const deniedResources = request.resources.filter(
      (resource) => !isAllowed(allowed[request.functionName] ?? [], request.action, resource),
    );
    if (deniedResources.length > 0 || request.resources.length === 0) {
      denied.push(`${request.functionName} may not ${request.action} on ${deniedResources.join(', ') || 'nothing'}`);
      deny(response);
      return;
    }
    for (const resource of request.resources) used.add(describeGrant(request.functionName, request.action, resource));
    const upstreamRequest = sendRequest(new URL(url, upstream), { method, headers }, async (upstreamResponse) => {
      const content = await buffer(upstreamResponse);
      // AWS reports a missing secret or object as denied if the role may not list them.
      if (content.includes('ResourceNotFoundException') && request.action.startsWith('secretsmanager:')) deny(response);
      else if (request.action === 's3:GetObject' && upstreamResponse.statusCode === 404 && !mayList(request))
        deny(response);
      else response.writeHead(upstreamResponse.statusCode ?? 500, upstreamResponse.headers).end(content);
    });
    upstreamRequest.end(body);
  }

  function mayList({ functionName, resources }: Request): boolean {
    const buckets = resources.map((resource) => resource.replace(/\/.*/, ''));
    const may = buckets.every((bucket) => isAllowed(allowed[functionName] ?? [], 's3:ListBucket', bucket));
    if (may) for (const bucket of buckets) used.add(describeGrant(functionName, 's3:ListBucket', bucket));
    return may;
  }

  const server = createServer((incoming, response) => {
    handle(incoming, response).catch((error: unknown) => {
      denied.push(String(error));
      response.destroy();
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, used, denied, stop: () => server.close() };
}

/** `function action`, with the table and index of DynamoDB’s actions, and the part of the bucket of S3’s. */
export function describeGrant(functionName: string, action: string, resource: string): string {
  const [, table, index] = /-(\w+)Table-[^/]*(?:\/index\/(\w+))?/.exec(resource) ?? [];
  const part = /\/events\//.test(resource) ? 'events' : 'media';
  const kind = action.startsWith('s3:') && action !== 's3:ListBucket' ? part : table;
  return [functionName, action, kind?.toLowerCase(), index].filter(Boolean).join(' ');
}

function deny(response: ServerResponse): void {
  response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify({ __type: 'AccessDeniedException', message: 'not authorized' }));
}

function isAllowed(statements: readonly Statement[], action: string, resource: string): boolean {
  return statements.some(
    ({ effect, actions, resources }) =>
      effect === 'Allow' && actions.includes(action) && resources.some((pattern) => matches(pattern, resource)),
  );
}

/** IAM wildcards: `*` matches any text, `?` one character. */
function matches(pattern: string, resource: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`).test(resource);
}

/** A call of a function to AWS, in terms of IAM. */
interface Request {
  /** The function. Its name is its access key. */
  readonly functionName: string;
  readonly action: string;
  readonly resources: readonly string[];
}

interface Call {
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
function parseRequest({ method, url, headers, body }: Call, deployed: (local: string) => string): Request {
  const [, functionName = '', , service = ''] = signed.exec(String(headers.authorization)) ?? [];
  if (service === 's3') return { functionName, ...parseS3Call(method, new URL(url, 'http://s3'), body, deployed) };
  const [, operation = ''] = String(headers['x-amz-target']).split('.');
  const input: Readonly<Record<string, unknown>> = JSON.parse(body);
  switch (service) {
    case 'dynamodb': {
      // A batch names several tables.
      const names = input.RequestItems ? Object.keys(input.RequestItems) : [String(input.TableName)];
      const index = input.IndexName === undefined ? '' : `/index/${input.IndexName}`;
      const tables = names.map((name) => arn(service, `table/${deployed(name)}${index}`));
      return { functionName, action: `dynamodb:${operation}`, resources: tables };
    }
    case 'events': {
      const entries = Array.isArray(input.Entries) ? input.Entries : [];
      const buses = entries.map(({ EventBusName }) => arn(service, `event-bus/${deployed(EventBusName)}`));
      return { functionName, action: `events:${operation}`, resources: buses };
    }
    case 'secretsmanager': {
      const secret = input.SecretId === undefined ? '*' : arn(service, `secret:${input.SecretId}`);
      return { functionName, action: `${service}:${operation}`, resources: [secret] };
    }
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
