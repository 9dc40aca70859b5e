import { webhookRoute } from '../../../stacks/topology.ts';
import { at, type Check, ofType, resourceName, textAt } from '../select.ts';

export const checkApi: Check = (app) => {
  const [stage] = ofType(app, 'aws:apigatewayv2/stage:Stage');
  const [api] = ofType(app, 'aws:apigatewayv2/api:Api');
  const [integration] = ofType(app, 'aws:apigatewayv2/integration:Integration');
  const logged = textAt(stage?.inputs, 'accessLogSettings.format');
  const { perSecond, burst } = webhookRoute.throttle;
  const problems = [
    at(stage?.inputs, 'defaultRouteSettings.throttlingRateLimit') === perSecond || 'the webhook is not throttled',
    at(stage?.inputs, 'defaultRouteSettings.throttlingBurstLimit') === burst || 'the webhook has no burst limit',
    JSON.stringify(api?.inputs.corsConfiguration ?? {}) === '{}' || 'the webhook allows CORS',
    logged.includes('"status":$context.status') || 'the access log has no status to filter by',
    !/body|header|userAgent/i.test(logged) || 'the access log contains request data',
    textAt(integration?.inputs, 'integrationUri').endsWith(`:${resourceName(app, webhookRoute.function)}`) ||
      'the route has the wrong integration',
  ];
  return problems.flatMap((problem) => (problem === true ? [] : [problem]));
};
