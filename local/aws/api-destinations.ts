import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { isLoopbackHost } from '../../core/platform/loopback.ts';
import type { Collection, State } from '../state.ts';
import { accountId, region } from './arn.ts';
import type { Envelope } from './event-bridge.ts';
import { AwsError, eventName, type Operations, pageFields, paginate, parseInput, unsupported } from './protocol.ts';
import { readParameter, type Target, UndeliverableError } from './rule-targets.ts';

const named = z.object({ Name: eventName });

const connectionSchema = z.object({
  Name: eventName,
  Description: z.optional(z.string()),
  AuthorizationType: z.enum(['API_KEY', 'BASIC', 'OAUTH_CLIENT_CREDENTIALS']),
  AuthParameters: z.object({
    ApiKeyAuthParameters: z.optional(z.object({ ApiKeyName: z.string(), ApiKeyValue: z.string() })),
    BasicAuthParameters: z.optional(z.object({ Username: z.string(), Password: z.string() })),
    InvocationHttpParameters: z.optional(z.unknown()),
  }),
});

const destinationSchema = z.object({
  Name: eventName,
  Description: z.optional(z.string()),
  ConnectionArn: z.string(),
  InvocationEndpoint: z.string(),
  HttpMethod: z.enum(['POST', 'GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE']),
  InvocationRateLimitPerSecond: z.optional(z.int().check(z.minimum(1))),
});

const listSchema = z.object(pageFields);

interface StoredResource {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: number;
  readonly position: number;
}

interface Connection extends StoredResource {
  readonly type: 'API_KEY' | 'BASIC';
  /** The header with the credentials. */
  readonly header: readonly [name: string, value: string];
  /** The AuthParameters that DescribeConnection returns, without secrets. */
  readonly described: object;
}

interface ApiDestination extends StoredResource {
  readonly connectionArn: string;
  readonly endpoint: string;
  readonly method: string;
  readonly ratePerSecond: number;
}

/** EventBridge's own limit on the response time of an endpoint. */
const timeoutMs = 5_000;

/** EventBridge's API destinations and their connections, for endpoints on this machine. */
export function createApiDestinations(state: State) {
  const connections = state.collection<Connection>('connections');
  const destinations = state.collection<ApiDestination>('api destinations');

  function create<T extends StoredResource>(kind: string, all: Collection<T>, name: string) {
    if (all.get(name)) throw new AwsError('ResourceAlreadyExistsException', `${kind} ${name} already exists.`);
    const position = (all.entries().at(-1)?.[1].position ?? 0) + 1;
    const arn = `arn:aws:events:${region}:${accountId}:${kind}/${name}/${randomUUID()}`;
    return { name, arn, createdAt: Date.now() / 1_000, position };
  }

  function find<T extends StoredResource>(kind: string, all: Collection<T>, input: unknown): T {
    const { Name } = parseInput(named, input);
    const found = all.get(Name);
    if (!found) throw new AwsError('ResourceNotFoundException', `${kind} ${Name} does not exist.`);
    return found;
  }

  function list<T extends StoredResource>(all: Collection<T>, input: unknown) {
    const { NamePrefix = '', Limit, NextToken } = parseInput(listSchema, input);
    const found = all.entries().flatMap(([name, one]) => (name.startsWith(NamePrefix) ? one : []));
    return paginate(found, { maxResults: Limit, nextToken: NextToken }, (one) => one.position);
  }

  const operations: Operations = {
    CreateConnection(input) {
      const { Name, AuthorizationType, AuthParameters } = parseInput(connectionSchema, input);
      if (AuthorizationType === 'OAUTH_CLIENT_CREDENTIALS')
        throw unsupported('EventBridge CreateConnection with OAuth');
      if (AuthParameters.InvocationHttpParameters !== undefined) {
        throw unsupported('EventBridge CreateConnection with InvocationHttpParameters');
      }
      const credentials = readCredentials(AuthorizationType, AuthParameters);
      const created = create('connection', connections, Name);
      const connection = { ...created, type: AuthorizationType, ...credentials };
      connections.put(Name, connection);
      return connectionView(connection);
    },
    DescribeConnection(input) {
      const connection = find('Connection', connections, input);
      return { ...connectionView(connection), AuthParameters: connection.described };
    },
    ListConnections(input) {
      const { items, nextToken } = list(connections, input);
      return { Connections: items.map(connectionView), NextToken: nextToken };
    },
    DeleteConnection(input) {
      const connection = find('Connection', connections, input);
      connections.delete(connection.name);
      return connectionView(connection);
    },
    CreateApiDestination(input) {
      const parsed = parseInput(destinationSchema, input);
      if (!findByArn(connections, parsed.ConnectionArn)) {
        throw new AwsError('ResourceNotFoundException', `Connection ${parsed.ConnectionArn} does not exist.`);
      }
      requireLocal(parsed.InvocationEndpoint);
      const destination = {
        ...create('api-destination', destinations, parsed.Name),
        connectionArn: parsed.ConnectionArn,
        endpoint: parsed.InvocationEndpoint,
        method: parsed.HttpMethod,
        ratePerSecond: parsed.InvocationRateLimitPerSecond ?? 300,
      };
      destinations.put(parsed.Name, destination);
      return destinationView(destination);
    },
    DescribeApiDestination: (input) => destinationView(find('ApiDestination', destinations, input)),
    ListApiDestinations(input) {
      const { items, nextToken } = list(destinations, input);
      return { ApiDestinations: items.map(destinationView), NextToken: nextToken };
    },
    DeleteApiDestination(input) {
      destinations.delete(find('ApiDestination', destinations, input).name);
      return {};
    },
  };

  return {
    operations,

    /**
     * Calls the endpoint of an API destination. Returns the status of the response and its header Retry-After.
     *
     * @throws UndeliverableError if the destination or its connection does not exist
     */
    async call(arn: string, event: Envelope, body: string, parameters: Target['HttpParameters']) {
      const destination = findByArn(destinations, arn);
      const connection = destination && findByArn(connections, destination.connectionArn);
      if (!destination || !connection)
        throw new UndeliverableError('NO_RESOURCE', `${arn} or its connection is deleted`);
      const { method } = destination;
      const headers = new Headers({
        'content-type': 'application/json; charset=utf-8',
        'user-agent': 'Amazon/EventBridge/ApiDestinations',
      });
      for (const [name, value] of Object.entries(parameters?.HeaderParameters ?? {})) {
        setHeader(headers, name, readParameter(event, value));
      }
      setHeader(headers, ...connection.header);
      const url = endpointUrl(destination.endpoint, event, parameters);
      const withBody = method !== 'GET' && method !== 'HEAD';
      const signal = AbortSignal.timeout(timeoutMs);
      const response = await fetch(url, { method, headers, redirect: 'manual', signal, ...(withBody && { body }) });
      await response.body?.cancel();
      return { status: response.status, retryAfter: response.headers.get('retry-after') };
    },
  };
}

export type ApiDestinations = ReturnType<typeof createApiDestinations>;

/** The last parts of an ARN are the name and a random id. */
function findByArn<T extends StoredResource>(all: Collection<T>, arn: string): T | undefined {
  const found = all.get(arn.split('/').at(-2) ?? '');
  return found?.arn === arn ? found : undefined;
}

function readCredentials(
  type: Connection['type'],
  { ApiKeyAuthParameters: key, BasicAuthParameters: basic }: z.output<typeof connectionSchema>['AuthParameters'],
): Pick<Connection, 'header' | 'described'> {
  if (type === 'API_KEY' && key) {
    const described = { ApiKeyAuthParameters: { ApiKeyName: key.ApiKeyName } };
    return { header: [key.ApiKeyName, key.ApiKeyValue], described };
  }
  if (type === 'BASIC' && basic) {
    const credentials = Buffer.from(`${basic.Username}:${basic.Password}`).toString('base64');
    const described = { BasicAuthParameters: { Username: basic.Username } };
    return { header: ['authorization', `Basic ${credentials}`], described };
  }
  const wanted = type === 'BASIC' ? 'BasicAuthParameters' : 'ApiKeyAuthParameters';
  throw new AwsError('ValidationException', `AuthParameters.${wanted} is required with the type ${type}`);
}

function requireLocal(endpoint: string): void {
  const url = URL.parse(endpoint);
  if (url?.protocol === 'http:' && isLoopbackHost(url.host)) return;
  throw new AwsError(
    'ValidationException',
    'InvocationEndpoint: the local engine calls only this machine, such as http://127.0.0.1:8080/events. AWS requires https',
  );
}

/** The error of `Headers` quotes the value, which can be a secret or the content of a message. */
function setHeader(headers: Headers, name: string, value: string): void {
  try {
    headers.set(name, value);
  } catch {
    throw new UndeliverableError(
      'INVALID_PARAMETER',
      `HTTP does not allow the name or the value of the header ${name}`,
    );
  }
}

/** Fills in the path's `*` and the query. */
function endpointUrl(endpoint: string, event: Envelope, parameters: Target['HttpParameters']): URL {
  const values = [...(parameters?.PathParameterValues ?? [])];
  const path = endpoint.replaceAll('*', () => encodeURIComponent(readParameter(event, values.shift() ?? '')));
  const url = new URL(path);
  for (const [name, value] of Object.entries(parameters?.QueryStringParameters ?? {})) {
    url.searchParams.set(name, readParameter(event, value));
  }
  return url;
}

function connectionView({ name, arn, type, createdAt }: Connection) {
  return {
    Name: name,
    ConnectionArn: arn,
    ConnectionState: 'AUTHORIZED',
    AuthorizationType: type,
    CreationTime: createdAt,
    LastModifiedTime: createdAt,
  };
}

function destinationView({ name, arn, connectionArn, endpoint, method, ratePerSecond, createdAt }: ApiDestination) {
  return {
    Name: name,
    ApiDestinationArn: arn,
    ApiDestinationState: 'ACTIVE',
    ConnectionArn: connectionArn,
    InvocationEndpoint: endpoint,
    HttpMethod: method,
    InvocationRateLimitPerSecond: ratePerSecond,
    CreationTime: createdAt,
    LastModifiedTime: createdAt,
  };
}
