import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { HttpResponse } from '@smithy/core/protocols';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { FinalizeHandler, FinalizeHandlerArguments, MetadataBearer, Pluggable } from '@smithy/types';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { putEvents, readSecret } from './signed-requests.ts';

interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const secretKey = 'example-secret-key';
const received: Received[] = [];
let server: Server;
let respond: (response: ServerResponse) => unknown;

/** A response. Its date prevents the SDK from correcting its clock. */
const answer =
  (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  (response: ServerResponse) =>
    response.writeHead(status, { date: new Date().toUTCString(), ...headers }).end(JSON.stringify(body));

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const { method, url: path, headers } = request;
    received.push({ method, path, headers, body: await text(request) });
    respond(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  received.length = 0;
  const { port }: AddressInfo = JSON.parse(JSON.stringify(server.address()));
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${port}`);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretKey);
  vi.stubEnv('AWS_SESSION_TOKEN', 'example-session-token');
  vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'webhook');
  vi.stubEnv('_X_AMZN_TRACE_ID', 'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1');
  // The date is part of the signature.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-03-11T09:00:00Z') });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Removes the SDK's user agent and number of the attempt: they are random, and the latter is part of the signature. */
const withoutOwnHeaders = <Input extends object, Output extends MetadataBearer>(): Pluggable<Input, Output> => ({
  applyToStack: (stack) =>
    stack.addRelativeTo(
      (next: FinalizeHandler<Input, Output>) => (args: FinalizeHandlerArguments<Input>) => {
        const { request } = args;
        if (typeof request === 'object' && request !== null && 'headers' in request) {
          const headers = Object.entries(request.headers ?? {});
          Object.assign(request, {
            headers: Object.fromEntries(headers.filter(([name]) => !/^amz-sdk-|user-agent$/.test(name))),
          });
        }
        return next(args);
      },
      { relation: 'before', toMiddleware: 'httpSigningMiddleware', name: 'withoutOwnHeaders' },
    ),
});

function sdkClients(settings: object = {}) {
  const events = new EventBridgeClient(settings);
  const secrets = new SecretsManagerClient(settings);
  events.middlewareStack.use(withoutOwnHeaders());
  secrets.middlewareStack.use(withoutOwnHeaders());
  return {
    putEvents: (Entries: object[]) => events.send(new PutEventsCommand({ Entries })),
    readSecret: (SecretId: string, VersionStage: string) =>
      secrets.send(new GetSecretValueCommand({ SecretId, VersionStage })),
  };
}

/** The last two requests, without the user agent. */
function lastTwo() {
  return received
    .slice(-2)
    .map(({ headers: { 'user-agent': _, ...headers }, ...request }) => ({ ...request, headers }));
}

const anyText = fc.string({ unit: 'binary' });
const entry = fc.record({ Source: anyText, DetailType: anyText, Detail: anyText, EventBusName: anyText });

describe('a signed request', () => {
  it('equals that of the SDK client for arbitrary events, signature included', async () => {
    const sdk = sdkClients();
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 10 }), async (entries) => {
        respond = answer(200, { FailedEntryCount: 0, Entries: [] });
        await sdk.putEvents(entries);
        await putEvents(entries);
        const [expected, actual] = lastTwo();
        expect(actual).toEqual(expected);
      }),
    );
  });

  it.each(['', 'example-session-token'])(
    'equals that of the SDK client for arbitrary secrets (token: %j)',
    async (token) => {
      vi.stubEnv('AWS_SESSION_TOKEN', token);
      const sdk = sdkClients();
      await fc.assert(
        fc.asyncProperty(anyText, async (name) => {
          respond = answer(200, {});
          await sdk.readSecret(name, 'AWSPREVIOUS');
          await readSecret(name, 'AWSPREVIOUS');
          const [expected, actual] = lastTwo();
          expect(actual).toEqual(expected);
        }),
      );
    },
  );

  it.each([
    'us-east-1',
    'us-gov-west-1',
    'cn-north-1',
    'eusc-de-east-1',
    'us-iso-east-1',
    'us-isob-east-1',
    'us-isof-south-1',
    'eu-isoe-west-1',
  ])('goes to the endpoint of the SDK client in %s', async (region) => {
    vi.stubEnv('AWS_ENDPOINT_URL', undefined);
    vi.stubEnv('AWS_REGION', region);
    const hosts: string[] = [];
    vi.spyOn(NodeHttpHandler.prototype, 'handle').mockImplementation(async ({ protocol, hostname, port, path }) => {
      hosts.push(`${protocol}//${hostname}:${port ?? ''}${path}`);
      return { response: new HttpResponse({ statusCode: 200, body: Readable.from([Buffer.from('{"Entries":[]}')]) }) };
    });
    const sdk = sdkClients({ region });
    await Promise.all([sdk.putEvents([{}]), sdk.readSecret('name', 'AWSCURRENT')]);
    const expected = hosts.splice(0).toSorted();
    await Promise.all([putEvents([{}]), readSecret('name', 'AWSCURRENT')]);
    expect(hosts.toSorted()).toEqual(expected);
  });

  it('goes to the endpoint of its service if one is set', async () => {
    const { port }: AddressInfo = JSON.parse(JSON.stringify(server.address()));
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1');
    vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', `http://127.0.0.1:${port}`);
    respond = answer(200, {});
    await readSecret('name', 'AWSCURRENT');
    expect(received).toHaveLength(1);
  });

  it('is refused where it would not go to the endpoint that is set', async () => {
    vi.stubEnv('AWS_USE_FIPS_ENDPOINT', 'true');
    await expect(putEvents([{}])).rejects.toThrow('AWS_USE_FIPS_ENDPOINT: expected no value');
  });
});

describe('a response', () => {
  it('gives the id of each event, and none for a rejected one', async () => {
    const rejected = { ErrorCode: 'ThrottlingException', ErrorMessage: 'slow down' };
    respond = answer(200, { FailedEntryCount: 1, Entries: [{ EventId: 'a' }, rejected] });
    expect(await putEvents([{}, {}, {}])).toEqual(['a', undefined, undefined]);
    expect(received).toHaveLength(1);
  });

  it('gives the secret and its date', async () => {
    respond = answer(200, { SecretString: 'text', CreatedDate: 1_773_219_600.25 });
    expect(await readSecret('name', 'AWSCURRENT')).toEqual({ text: 'text', createdAt: 1_773_219_600_250 });
  });

  it('gives nothing for a missing secret', async () => {
    respond = answer(400, { __type: 'ResourceNotFoundException', Message: 'no such secret' });
    expect(await readSecret('name', 'AWSCURRENT')).toBeUndefined();
  });

  it('that is not JSON fails without quoting it', async () => {
    respond = (response) => response.end('<html>secret</html>');
    const failure = await readSecret('name', 'AWSCURRENT').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(String(failure)).not.toMatch(/secret|html/);
  });

  it.each<[number, object, Record<string, string>]>([
    [400, { __type: 'AccessDeniedException', Message: 'not authorized' }, {}],
    [400, { __type: 'com.amazonaws.events#ResourceNotFoundException', message: 'no bus' }, {}],
    [400, { message: 'slow down' }, { 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/' }],
    [400, { __type: 'LimitExceededException' }, {}],
    [400, { __type: 'ValidationException', message: 'Detail is malformed' }, {}],
    [413, { __type: 'RequestEntityTooLargeException', message: 'too large' }, {}],
    [429, { __type: 'Anything' }, {}],
    [500, { __type: 'InternalException', message: 'failed' }, {}],
    [501, { __type: 'NotImplemented' }, {}],
    [503, { __type: 'ServiceUnavailable' }, {}],
  ])('%i %j throws an error of the same name after as many attempts as the SDK', async (status, body, headers) => {
    respond = answer(status, body, headers);
    const expected = await sdkClients({ maxAttempts: 2 })
      .putEvents([{}])
      .catch((error: unknown) => error);
    const attempts = received.splice(0).length;
    const actual = await putEvents([{}]).catch((error: unknown) => error);
    expect(actual).toMatchObject({ name: expected instanceof Error && expected.name });
    expect(received).toHaveLength(attempts);
    expect(String(actual)).not.toContain(secretKey);
  });
});

it('a broken connection is retried once', async () => {
  respond = (response) =>
    received.length === 1 ? response.destroy() : answer(200, { Entries: [{ EventId: 'a' }] })(response);
  expect(await putEvents([{}])).toEqual(['a']);
  respond = (response) => response.destroy();
  await expect(putEvents([{}])).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(received).toHaveLength(4);
});

it('requests share connections', async () => {
  respond = answer(200, { Entries: [] });
  const opened = vi.fn();
  server.on('connection', opened);
  for (let request = 0; request < 5; request += 1) await putEvents([{}]);
  server.off('connection', opened);
  expect(opened.mock.calls.length).toBeLessThanOrEqual(1);
});
