import './outbound.ts';
import './monitoring.ts';
import { outputsParameter } from '../core/platform/configuration.ts';
import { environment } from './grants.ts';
import { webhookUrl } from './inbound.ts';
import { functionSettings, region } from './settings.ts';

/** The whole app: each import is one concern, made when it is loaded. */

/**
 * What the command line's `--stage` reads, from any machine with credentials for the account, in the shape of
 * core/platform/configuration.ts: the environment in which the functions find everything, by the same variables.
 */
const parameter = outputsParameter($app.stage);

new aws.ssm.Parameter('Outputs', {
  name: parameter,
  description: 'Where everything is: read by `livechat --stage`',
  type: 'String',
  value: $jsonStringify({
    version: 1,
    stage: $app.stage,
    region,
    webhookUrl,
    environment: { ...environment, ...functionSettings },
  }),
});

export const outputs = { webhookUrl, parameter, ...environment };
