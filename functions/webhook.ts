import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import httpJsonBodyParser from '@middy/http-json-body-parser';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { createBusPublisher } from '../core/events/publish.ts';
import { Credentials } from '../core/livechat/credentials.ts';
import { type Answer, type Receiving, receive } from '../core/livechat/receive.ts';
import { required, wholeNumber } from '../core/platform/configuration.ts';
import { logger } from '../core/platform/logger.ts';
import { count, measure } from '../core/platform/metrics.ts';
import { readSecret } from '../core/platform/secrets-manager.ts';
import { BodyTooLargeError, httpBody, NotUtf8Error, rawBody } from './middleware/http-body.ts';

const receiving: Receiving = {
  credentials: new Credentials({
    read: readSecret,
    prefix: required('SECRET_PREFIX', 'the prefix of the secrets, such as livechat'),
    environment: process.env,
    cacheMs: wholeNumber('SECRET_CACHE_SECONDS', 300) * 1000,
  }),
  publish: createBusPublisher(),
  count,
  measure,
  log: logger,
};

const answers: Record<Answer, APIGatewayProxyStructuredResultV2> = {
  accepted: json(200, { success: true }),
  'invalid signature': json(401, { error: 'Invalid signature' }),
  'invalid JSON': json(400, { error: 'Invalid JSON' }),
};

/** LiveChat's one webhook: verify, translate, put on the bus, answer. */
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
  .use(injectLambdaContext(logger))
  .use({
    after: ({ response }) => {
      if (response && response.statusCode !== 200)
        count('WebhookErrorResponses', { status: String(response.statusCode) });
    },
    onError: async (request) => {
      request.response = await answerError(request.error, request.event);
      count('WebhookErrorResponses', { status: String(request.response.statusCode) });
    },
  })
  .use(httpBody(wholeNumber('WEBHOOK_MAX_BYTES', 1_048_576, 1)))
  .use(httpJsonBodyParser())
  .handler((event) => answer(event, event.body));

async function answer(event: APIGatewayProxyEventV2, body: unknown): Promise<APIGatewayProxyStructuredResultV2> {
  return answers[await receive({ raw: rawBody(event), signature: signatureOf(event), body }, receiving)];
}

/** A body that does not parse is still verified first: who cannot sign learns nothing of what is wrong with it. */
async function answerError(error: unknown, event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> {
  try {
    if (error instanceof BodyTooLargeError) return json(413, { error: 'Payload too large' });
    if (error instanceof NotUtf8Error || isParserError(error)) return await answer(event, undefined);
    logger.error('webhook failed', { error });
  } catch (second) {
    logger.error('webhook failed', { error: second });
  }
  return json(500, { error: 'Internal server error' });
}

/** The parser's own error quotes the body, secret included, in its cause: it is told by its status and never logged. */
function isParserError(error: unknown): boolean {
  return error instanceof Error && 'statusCode' in error && (error.statusCode === 415 || error.statusCode === 422);
}

/** Header names come in any case. */
function signatureOf(event: APIGatewayProxyEventV2): string | undefined {
  return Object.entries(event.headers ?? {}).find(([name]) => name.toLowerCase() === 'x-signature')?.[1];
}

function json(statusCode: number, body: unknown): APIGatewayProxyStructuredResultV2 {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
