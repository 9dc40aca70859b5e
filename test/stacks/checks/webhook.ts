import { webhookRoute } from '../../../stacks/topology.ts';
import { at, type Check, named, ofType, textAt } from '../select.ts';

/** The one door: throttled, logged without what was said, and open to its route alone. */
export const guarded: Check = (app) => {
  const [stage] = ofType(app, 'aws:apigatewayv2/stage:Stage');
  const [api] = ofType(app, 'aws:apigatewayv2/api:Api');
  const [integration] = ofType(app, 'aws:apigatewayv2/integration:Integration');
  const logged = textAt(stage?.inputs, 'accessLogSettings.format');
  const { perSecond, burst } = webhookRoute.throttle;
  const problems = [
    at(stage?.inputs, 'defaultRouteSettings.throttlingRateLimit') === perSecond || 'the webhook is not throttled',
    at(stage?.inputs, 'defaultRouteSettings.throttlingBurstLimit') === burst || 'the webhook takes any burst',
    JSON.stringify(api?.inputs.corsConfiguration ?? {}) === '{}' || 'browsers may call the webhook',
    logged.includes('"status":$context.status') || 'the access log has no status to filter by',
    !/body|header|userAgent/i.test(logged) || 'the access log holds more than it needs',
    textAt(integration?.inputs, 'integrationUri').endsWith(`:${named(app, webhookRoute.function)}`) ||
      'the route leads elsewhere',
  ];
  return problems.flatMap((problem) => (problem === true ? [] : [problem]));
};
