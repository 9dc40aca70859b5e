import { createEdge, edgeEnvironment } from './edge.ts';
import { keyArn } from './encryption.ts';
import { createFunction, createSubscribers } from './functions.ts';
import { createSchedule } from './schedules.ts';
import { componentName, logRetention, webhookThrottle } from './settings.ts';
import { outboundPath, schedules, webhookRoute, webhookRoutes } from './topology.ts';

/** The inbound path, from the webhook to the tables. Deployed alone by `npm run deploy:livechat-webhook`. */
const inbound = new $util.ComponentResource('livechat:bridge:Inbound', 'Inbound');
const within = { parent: inbound };

/** The access log contains no body and no headers. `status` is a number, because a metric filter compares it. */
const logFields = ['requestTime', 'requestId', 'routeKey', 'responseLatency', 'error.message', 'integration.error'];
const accessLog = `{${logFields.map((field) => `"${field}":"$context.${field}"`).join(',')},"status":$context.status}`;

export const api = new sst.aws.ApiGatewayV2(
  'Api',
  {
    cors: false,
    accessLog: { retention: logRetention.sst },
    transform: {
      logGroup: { kmsKeyId: keyArn },
      stage: (args) => {
        const { perSecond, burst } = webhookThrottle;
        args.defaultRouteSettings = { throttlingRateLimit: perSecond, throttlingBurstLimit: burst };
        args.accessLogSettings = $resolve([args.accessLogSettings]).apply(([settings]) => ({
          destinationArn: settings?.destinationArn ?? '',
          format: accessLog,
        }));
      },
      route: {
        args: (_args, options) => {
          options.parent = inbound;
        },
      },
    },
  },
  within,
);

for (const { method, path, function: name } of webhookRoutes) {
  api.route(`${method} ${path}`, createFunction(name, inbound, edgeEnvironment).arn, {
    name: componentName(name),
    transform: { integration: { timeoutMilliseconds: 10_000 } },
  });
}

/** The URL to register at LiveChat. */
export const webhookUrl = $interpolate`${createEdge(api.url, inbound)}${webhookRoute.path}`;

const subscribers = createSubscribers((name) => !outboundPath.has(name), inbound);
const scheduled = subscribers.get(schedules.reconciliation.function);
if (scheduled) createSchedule('reconciliation', scheduled, inbound);
