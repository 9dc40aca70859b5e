import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import httpJsonBodyParser from '@middy/http-json-body-parser';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { busOptions, createPublisher, type Publish } from '../core/events/publish.ts';
import { Credentials } from '../core/livechat/credentials.ts';
import { identifyWebhook, type ReceiveOptions, receiveWebhook } from '../core/livechat/webhook.ts';
import { edgeKey, wholeNumber } from '../core/platform/configuration.ts';
import { type RecordInvocation, recordInvocation } from '../core/platform/invocations.ts';
import { logger } from '../core/platform/logger.ts';
import { count, measure } from '../core/platform/metrics.ts';
import { putEvents, readSecret } from '../core/platform/signed-requests.ts';
import {
  parseBodyExactly,
  removeUnsafeParts,
  verifyBodySecret,
  verifySignature,
} from './middleware/livechat-webhook.ts';
import { json, recordWebhooks, rejectDirectCalls, respondToErrors } from './middleware/webhook.ts';

export interface WebhookOptions extends Omit<ReceiveOptions, 'receivedAt'> {
  readonly credentials: Credentials;
  readonly publish: Publish;
  readonly record: RecordInvocation;
  readonly maxBytes: number;
  /** The SHA-256 digest of the key that the edge adds. Without an edge it is not set. */
  readonly edgeKeyDigest?: string | undefined;
  /** The clock, in ms since 1970. */
  readonly now?: () => number;
}

/** LiveChat's webhook: verify, translate, publish. Responds with 200 only after the bus has accepted every event. */
export function webhookHandler(options: WebhookOptions) {
  const { credentials, publish, record, maxBytes, edgeKeyDigest, now = Date.now, ...metricsAndLog } = options;
  return middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
    .use(injectLambdaContext(logger))
    .use(recordWebhooks(identifyWebhook, record))
    .use(respondToErrors(options.log, options.count))
    .use(rejectDirectCalls(edgeKeyDigest))
    .use(verifySignature(credentials, maxBytes))
    .use(removeUnsafeParts())
    .use(httpJsonBodyParser())
    .use(parseBodyExactly())
    .use(verifyBodySecret(credentials))
    .handler(async ({ body }, context) => {
      const events = receiveWebhook(body, context.verifiedWith, { ...metricsAndLog, receivedAt: now() });
      context.correlationId = events[0]?.metadata.correlationId;
      if (events.length > 0) await publish(events);
      return json(200, { success: true });
    });
}

export const handler = webhookHandler({
  credentials: new Credentials(process.env, { read: readSecret }),
  publish: createPublisher({ ...busOptions(), putEvents }),
  record: recordInvocation,
  maxBytes: wholeNumber('WEBHOOK_MAX_BYTES', 1_048_576, 1),
  edgeKeyDigest: process.env[edgeKey.variable],
  count,
  measure,
  log: logger,
});
