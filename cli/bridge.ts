import { localStage, outputsParameter, type StageOutputs, stageOutputs } from '../core/platform/configuration.ts';
import { settings } from '../stacks/topology.ts';
import { CliError, UsageError } from './errors.ts';

const localEndpoint = 'http://127.0.0.1:4566';

/** Replaces all AWS settings: the user's credentials must not reach the local engine, nor a profile send a call to AWS. */
const useLocalEngine = (): void => {
  const endpoint = process.env.AWS_ENDPOINT_URL || localEndpoint;
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  });
};

const readOutputs = async (stage: string): Promise<StageOutputs> => {
  // Loaded on demand: --help and usage errors do not need the SDK.
  const { GetParameterCommand, ParameterNotFound, SSMClient } = await import('@aws-sdk/client-ssm');
  const client = new SSMClient({ maxAttempts: 2, requestHandler: { connectionTimeout: 3000, requestTimeout: 5000 } });
  const Name = outputsParameter(stage);
  const { Parameter } = await client.send(new GetParameterCommand({ Name })).catch((cause: unknown) => {
    if (!(cause instanceof ParameterNotFound)) throw cause;
    const endpoint = process.env.AWS_ENDPOINT_URL;
    const message = endpoint
      ? `Stage ${stage} not found: the parameter ${Name} does not exist at ${endpoint}. For a stage in AWS, unset AWS_ENDPOINT_URL.`
      : `Stage ${stage} not found: the parameter ${Name} does not exist in this AWS account and region. Deploy the stage, or check AWS_PROFILE and AWS_REGION.`;
    throw new CliError(message, { cause });
  });
  try {
    return stageOutputs.parse(JSON.parse(Parameter?.Value ?? ''));
  } catch (cause) {
    throw new CliError(`${Name} was written by another version of this project: deploy the stage again.`, { cause });
  }
};

/** Functions log to stdout, where the result of a command belongs. Warnings go to stderr. */
const quiet = { LOG_LEVEL: 'WARN', POWERTOOLS_METRICS_DISABLED: 'true' };

/** Settings of the deployment that are among its outputs. */
const deploymentSettings = ['SEND_CONCURRENCY', 'RECONCILIATION_MINUTES', 'WEBHOOK_THROTTLE_PER_SECOND'];

const isSetting = (variable: string): boolean =>
  variable.startsWith('LIVECHAT_') || [...settings, ...deploymentSettings].includes(variable);

/**
 * Finds a bridge and sets its resource names as environment variables, as its functions have them, and its webhook's address as
 * WEBHOOK_URL. Core reads them when it is loaded, so import core only after this.
 *
 * @throws CliError if the stage does not exist or is of another version; errors of the AWS SDK
 */
export const findBridge = async (stage: string | undefined): Promise<void> => {
  if (stage === undefined) useLocalEngine();
  const { environment, webhookUrl } = await readOutputs(stage ?? localStage);
  // A LiveChat credential or setting from the user's environment must not replace one that the stage lacks.
  for (const variable of Object.keys(process.env)) if (isSetting(variable)) delete process.env[variable];
  Object.assign(process.env, environment, { WEBHOOK_URL: webhookUrl, ...quiet });
};

/** Whether only this machine can call an address. */
export const isLoopback = (url: string): boolean =>
  ['localhost', '127.0.0.1', '[::1]'].includes(URL.parse(url)?.hostname ?? '');

const maxListed = 10;

/** An error text that names at most ten organizations. */
export const describeChoice = (organizations: readonly string[]): string => {
  const more = organizations.length - maxListed;
  return `choose one of ${organizations.slice(0, maxListed).join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
};

/** Returns the given organization, or else all that have conversations. */
export const chooseOrganizations = async (given: string | undefined): Promise<readonly string[]> => {
  if (given !== undefined) return [given];
  const { organizations } = await import('../core/conversations/queries.ts');
  return organizations();
};

/**
 * Returns the given organization, or else the only one that has conversations.
 *
 * @throws UsageError if there is none or more than one
 */
export const chooseOrganization = async (given: string | undefined): Promise<string> => {
  const known = await chooseOrganizations(given);
  const [only, another] = known;
  if (only !== undefined && another === undefined) return only;
  const reason = only === undefined ? 'no organization has a conversation yet' : describeChoice(known);
  throw new UsageError(`--organization is required: ${reason}.`);
};
