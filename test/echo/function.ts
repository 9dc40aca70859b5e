import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { busOptions, createPublisher } from '../../core/events/publish.ts';
import { edgeKey } from '../../core/platform/configuration.ts';
import { logger } from '../../core/platform/logger.ts';
import { count } from '../../core/platform/metrics.ts';
import { putEvents, readSecret } from '../../core/platform/signed-requests.ts';
import { decodeUtf8, json, readBody, rejectDirectCalls, respondToErrors } from '../../functions/middleware/webhook.ts';
import { receiveEcho } from './webhook.ts';

const publish = createPublisher({ ...busOptions(), putEvents });
const maxBytes = 65_536;

/** Echo's webhook: verify, translate, publish. */
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
  .use(injectLambdaContext(logger))
  .use(respondToErrors(logger, count))
  .use(rejectDirectCalls(process.env[edgeKey.variable]))
  .handler(async (event) => {
    const text = decodeUtf8(readBody(event, maxBytes));
    await publish(await receiveEcho(text, event.headers['x-echo-secret'] ?? '', { readSecret, now: Date.now() }));
    return json(200, { success: true });
  });
