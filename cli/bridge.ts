import type * as z from 'zod/mini';
import { localStage, outputsParameter, type StageOutputs, stageOutputs } from '../core/platform/configuration.ts';
import { settings } from '../stacks/topology.ts';
import { CliError } from './errors.ts';
import { parseOptions } from './options.ts';

const isSetting = (name: string): boolean => settings.some((one) => one === name);

const localEndpoint = 'http://127.0.0.1:4566';

/** The local engine takes any credentials; those of the machine must not leave it, nor may a profile send a call to AWS. */
const asLocal = (): void => {
  const endpoint = process.env.AWS_ENDPOINT_URL || localEndpoint;
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  });
};

const readOutputs = async (stage: string): Promise<string | undefined> => {
  // On demand, so that --help and what is wrong with the options come at once.
  const { GetParameterCommand, ParameterNotFound, SSMClient } = await import('@aws-sdk/client-ssm');
  const client = new SSMClient({ maxAttempts: 2, requestHandler: { connectionTimeout: 3000, requestTimeout: 5000 } });
  try {
    const { Parameter } = await client.send(new GetParameterCommand({ Name: outputsParameter(stage) }));
    return Parameter?.Value;
  } catch (error) {
    if (error instanceof ParameterNotFound) return undefined;
    throw error;
  }
};

const parsedOutputs = (text: string, stage: string): StageOutputs => {
  try {
    return stageOutputs.parse(JSON.parse(text));
  } catch (cause) {
    throw new CliError(`${outputsParameter(stage)} is not what this version writes: deploy the stage again.`, {
      cause,
    });
  }
};

/**
 * Finds a bridge, and takes its names as this process's environment, as its functions have them. Core reads them when it
 * is loaded: import what needs it only after this.
 * @throws CliError where there is no such stage; AWS's own errors
 */
const findBridge = async (stage: string | undefined): Promise<StageOutputs> => {
  if (stage === undefined) asLocal();
  const name = stage ?? localStage;
  const text = await readOutputs(name);
  if (text === undefined) {
    throw new CliError(
      `There is no stage ${name}: the parameter ${outputsParameter(name)} is not in this AWS account and region. Deploy it, or check AWS_PROFILE and AWS_REGION.`,
    );
  }
  const outputs = parsedOutputs(text, name);
  // A credential or a setting of the machine's own must not stand in for one that the stage lacks.
  const own = Object.keys(process.env).filter((name) => name.startsWith('LIVECHAT_') || isSetting(name));
  for (const variable of own) delete process.env[variable];
  Object.assign(process.env, outputs.environment);
  return outputs;
};

/** A command's action: reads its options, finds the bridge, and does the work, which loads what needs core. */
export const withBridge =
  <Schema extends z.ZodMiniType<{ stage?: string | undefined }>>(
    schema: Schema,
    work: (given: z.output<Schema>, bridge: StageOutputs) => Promise<void>,
  ) =>
  async (options: unknown): Promise<void> => {
    const given = parseOptions(schema, options);
    await work(given, await findBridge(given.stage));
  };
