import { createRule } from './bus.ts';
import { createFunction } from './functions.ts';
import { componentName, logRetention } from './settings.ts';
import { type FunctionName, type RuleSpec, rules, webhookRoute } from './topology.ts';

/** From LiveChat's call to what is stored: what `npm run deploy:livechat-webhook` deploys. */
const inbound = new $util.ComponentResource('livechat:bridge:Inbound', 'Inbound');
const within = { parent: inbound };

export const webhook = createFunction(webhookRoute.function, inbound);

/** What is kept of a call: no body, no header. The status is a number, to be filtered by. */
const kept = ['requestTime', 'requestId', 'routeKey', 'responseLatency', 'error.message', 'integration.error'];
const accessLog = `{${kept.map((field) => `"${field}":"$context.${field}"`).join(',')},"status":$context.status}`;

export const api = new sst.aws.ApiGatewayV2(
  'Api',
  {
    cors: false,
    accessLog: { retention: logRetention.words },
    transform: {
      stage: (args) => {
        const { perSecond, burst } = webhookRoute.throttle;
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

api.route(`${webhookRoute.method} ${webhookRoute.path}`, webhook.arn, {
  name: componentName(webhookRoute.function),
  transform: { integration: { timeoutMilliseconds: 10_000 } },
});

/** What LiveChat is told to call. */
export const webhookUrl = $interpolate`${api.url}${webhookRoute.path}`;

const subscribers = new Map<FunctionName, sst.aws.Function>();

function subscriberOf(name: FunctionName): sst.aws.Function {
  const subscriber = subscribers.get(name) ?? createFunction(name, inbound);
  subscribers.set(name, subscriber);
  return subscriber;
}

function subscribe(rule: string, { pattern, bus }: RuleSpec, name: FunctionName): void {
  const { arn, name: functionName } = subscriberOf(name);
  const { arn: sourceArn } = createRule({ name: rule, pattern, bus, target: { arn }, parent: inbound });
  new aws.lambda.Permission(
    `${componentName(rule)}Permission`,
    { function: functionName, action: 'lambda:InvokeFunction', principal: 'events.amazonaws.com', sourceArn },
    within,
  );
}

for (const [rule, spec] of Object.entries(rules)) {
  if ('function' in spec.target) subscribe(rule, spec, spec.target.function);
}

export { subscribers };
