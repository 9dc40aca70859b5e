import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { findForeignHeader } from '../../core/platform/loopback.ts';
import { type Calls, controlPrefix, type Faults, type ServiceName } from './control.ts';
import type { Database } from './dynamodb.ts';
import {
  AwsError,
  type ErrorFormat,
  errorBody,
  parseBody,
  readBody,
  type Service,
  sendError,
  sendJson,
  unsupported,
} from './protocol.ts';
import { parseS3Operation, type Storage, sqsOperations } from './sqs-s3.ts';

export interface EndpointOptions {
  readonly dynamodb: Database;
  readonly sqsAndS3: Storage;
  readonly events: Service;
  readonly secretsmanager: Service;
  readonly ssm: Service;
  readonly states: Service;
  /** Concurrent executions that the functions reserve, for Lambda’s account settings. */
  readonly reservedConcurrency: number;
  readonly faults: Faults;
  readonly calls: Calls;
  control(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Receives every unsupported call and every internal error. */
  report(message: string): void;
}

interface Call {
  readonly service: ServiceName;
  readonly operation: string;
}

/** Services by the part of X-Amz-Target before the operation. */
const services: Readonly<Record<string, ServiceName>> = {
  DynamoDB_20120810: 'dynamodb',
  AWSEvents: 'events',
  secretsmanager: 'secretsmanager',
  AmazonSSM: 'ssm',
  AmazonSQS: 'sqs',
  AWSStepFunctions: 'states',
};

/** The limit of DynamoDB's BatchWriteItem, the largest limit of all supported operations. */
const maxJsonBytes = 16 * 1_024 * 1_024;

/** A response in JSON. */
export interface JsonResponse {
  readonly status: number;
  readonly body: string;
}

/** A call of a service with a JSON protocol other than SQS: `target` is the header X-Amz-Target. */
export type CallJson = (target: string, body: string) => Promise<JsonResponse>;

/**
 * Every AWS API that the app uses: as one server, which SDKs and the AWS CLI reach through AWS_ENDPOINT_URL, and without
 * HTTP for the functions in this process. Signatures are not checked.
 */
export function createEndpoint(options: EndpointOptions): { readonly server: Server; readonly callJson: CallJson } {
  const { dynamodb, sqsAndS3, faults, calls, control, report } = options;

  /** Counts a call. Returns whether the fault `partial` applies. */
  function begin({ service, operation }: Call): boolean {
    calls.add(`${service}.${operation}`);
    return faults.apply(service, operation);
  }

  async function run({ service, operation }: Call, body: string, partial: boolean): Promise<unknown> {
    if (service === 'dynamodb') return dynamodb.call(operation, body);
    if (service === 'lambda') return accountSettings(options.reservedConcurrency);
    if (service === 'sqs' || service === 's3') throw unsupported(`${service} without HTTP`);
    return options[service].call(operation, parseBody(body), partial);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    rejectForeign(request);
    if (request.url?.startsWith(controlPrefix)) return control(request, response);
    const call = await identify(request);
    const partial = begin(call);
    if (call.service === 'sqs' || call.service === 's3') return sqsAndS3.handle(request, response);
    const body = (await readBody(request, maxJsonBytes)).toString();
    const type = `application/x-amz-json-${call.service === 'dynamodb' ? '1.0' : '1.1'}`;
    sendJson(response, 200, await run(call, body, partial), type);
  }

  function reportError(error: AwsError): void {
    if (error.type === 'UnknownOperationException' || error.status === 500) report(`AWS endpoint: ${error.message}`);
  }

  function respondWithError(request: IncomingMessage, response: ServerResponse, error: AwsError): void {
    reportError(error);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // Drains the request body so that the connection can be reused.
    request.resume();
    sendError(response, error, errorFormat(request));
  }

  async function callJson(target: string, body: string): Promise<JsonResponse> {
    try {
      const call = parseTarget(target);
      const output = await run(call, body, begin(call));
      return { status: 200, body: JSON.stringify(output) };
    } catch (thrown) {
      const error = asAwsError(thrown);
      reportError(error);
      return { status: error.status, body: JSON.stringify(errorBody(error)) };
    }
  }

  const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    handle(request, response).catch((error: unknown) => respondWithError(request, response, asAwsError(error)));
  });
  return { server, callJson };
}

/** The engine has no limit of its own, so it reports that of an account in which everything fits. */
function accountSettings(reserved: number) {
  const unreserved = 1_000;
  return {
    AccountLimit: { ConcurrentExecutions: reserved + unreserved, UnreservedConcurrentExecutions: unreserved },
  };
}

/** Lambda's API has paths instead of the header X-Amz-Target. */
const accountSettingsPath = /^\/2016-08-19\/account-settings\/?$/;

/** Returns the error format that the client expects. An unsigned request, such as for a public object, is a request to S3. */
function errorFormat(request: IncomingMessage): ErrorFormat {
  const { headers, url } = request;
  if (headers['x-amz-target'] || url?.startsWith(controlPrefix)) return 'json';
  if (headers['content-type']?.startsWith('application/x-www-form-urlencoded')) return 'query';
  return signingService(request)?.startsWith('s3') === false ? 'json' : 's3';
}

/** The service in the scope of the signature: `Credential=<key>/<date>/<region>/<service>/aws4_request`. */
function signingService({ headers, url }: IncomingMessage): string | undefined {
  const credential = headers.authorization ?? new URL(url ?? '/', 'http://aws').searchParams.get('X-Amz-Credential');
  return /([\w-]+)\/aws4_request/.exec(credential ?? '')?.[1];
}

/** In virtual-hosted-style S3 requests the bucket precedes the host name. Browsers never resolve `*.localhost` elsewhere. */
const bucketLabel = /^[a-z0-9-]+\.(?=localhost(?::\d+)?$)/;

/** @throws AwsError AccessDenied(Exception) for a request from a page of another site, which must not read secrets or inject faults. */
function rejectForeign(request: IncomingMessage): void {
  const { host, origin } = request.headers;
  const s3 = errorFormat(request) === 's3';
  const foreign = findForeignHeader({ host: s3 ? host?.replace(bucketLabel, '') : host, origin });
  if (!foreign) return;
  const type = s3 ? 'AccessDenied' : 'AccessDeniedException';
  throw new AwsError(type, `The ${foreign.field} header must be ${foreign.expected}`, 403);
}

/** @throws AwsError UnknownOperationException */
function parseTarget(target: string): Call {
  const dot = target.lastIndexOf('.');
  const service = services[target.slice(0, dot)];
  const operation = target.slice(dot + 1);
  if (!service) throw unsupported(target);
  if (service === 'sqs' && !sqsOperations.has(operation)) throw unsupported(`SQS ${operation}`);
  return { service, operation };
}

/** @throws AwsError UnknownOperationException */
async function identify(request: IncomingMessage): Promise<Call> {
  const { method = 'GET', url = '/', headers } = request;
  const target = headers['x-amz-target'];
  if (typeof target === 'string') return parseTarget(target);
  const format = errorFormat(request);
  const signed = signingService(request) ?? 'an unsigned call';
  if (format === 'query') {
    const action = new URLSearchParams((await readBody(request, maxJsonBytes)).toString()).get('Action');
    // SQS is supported, but not in this protocol.
    const protocol = signed === 'sqs' ? " in AWS's query protocol" : '';
    throw unsupported(`${signed} ${action ?? method}${protocol}`);
  }
  if (method === 'GET' && accountSettingsPath.test(url)) return { service: 'lambda', operation: 'GetAccountSettings' };
  if (format === 'json') throw unsupported(`${signed} ${method} ${new URL(url, 'http://aws').pathname}`);
  const { name, supported } = parseS3Operation(method, url);
  if (!supported) throw unsupported(`S3 ${name}`);
  return { service: 's3', operation: name };
}

function asAwsError(error: unknown): AwsError {
  if (error instanceof AwsError) return error;
  return new AwsError('InternalFailure', error instanceof Error ? error.message : String(error), 500);
}
