import './alarms.ts';
import './schema-registry.ts';
import { outputsParameter } from '../core/platform/configuration.ts';
import { environment } from './functions.ts';
import { webhookUrl } from './inbound.ts';
import { auditLog } from './resources.ts';
import {
  functionSettings,
  region,
  resourceName,
  scheduleMinutes,
  sendConcurrency,
  webhookThrottle,
} from './settings.ts';

// Each import creates its resources when it is loaded.

/** The outputs of the stage (`StageOutputs`), which the command line reads with `--stage`. */
const parameter = outputsParameter($app.stage);

new aws.ssm.Parameter('Outputs', {
  name: parameter,
  description: 'Outputs of the stage, read by `livechat --stage`',
  type: 'String',
  value: $jsonStringify({
    version: 1,
    stage: $app.stage,
    region,
    webhookUrl,
    environment: {
      ...environment,
      ...functionSettings,
      AUDIT_LOG_GROUP: auditLog.name,
      FUNCTION_LOG_PREFIX: `/aws/lambda/${resourceName('')}`,
      SEND_CONCURRENCY: String(sendConcurrency),
      WEBHOOK_THROTTLE_PER_SECOND: String(webhookThrottle.perSecond),
      RECONCILIATION_MINUTES: String(scheduleMinutes('reconciliation')),
    },
  }),
});

export const outputs = { webhookUrl, parameter, ...environment };
