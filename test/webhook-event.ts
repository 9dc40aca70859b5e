import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';

/** A webhook request as API Gateway passes it to the function: bodies come in base64. */
export function webhookEvent(
  rawBody: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): APIGatewayProxyEventV2 {
  const path = '/livechat/webhook';
  const time = new Date(0).toISOString();
  return {
    version: '2.0',
    routeKey: `POST ${path}`,
    rawPath: path,
    rawQueryString: '',
    headers: { 'content-type': 'application/json', ...headers },
    requestContext: {
      accountId: '000000000000',
      apiId: 'test',
      domainName: 'localhost',
      domainPrefix: 'localhost',
      http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
      requestId: 'request',
      routeKey: `POST ${path}`,
      stage: '$default',
      time,
      timeEpoch: 0,
    },
    body: Buffer.from(rawBody).toString('base64'),
    isBase64Encoded: true,
  };
}

export function lambdaContext(): Context {
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: 'webhook',
    functionVersion: '1',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:webhook',
    memoryLimitInMB: '256',
    awsRequestId: 'request',
    logGroupName: 'group',
    logStreamName: 'stream',
    getRemainingTimeInMillis: () => 8_000,
    done: () => {},
    fail: () => {},
    succeed: () => {},
  };
}
