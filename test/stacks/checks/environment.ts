import { join } from 'node:path';
import { build } from 'esbuild';
import { callsPerSecondSetting } from '../../../core/channel/spec.ts';
import { channels } from '../../../core/channels.ts';
import { edgeKey, type ResourceVariable } from '../../../core/platform/configuration.ts';
import { bundleOptions } from '../../../stacks/build/bundle.ts';
import { functions, settings, tables } from '../../../stacks/topology.ts';
import { at, type Check, find, resourceName, stageName } from '../select.ts';

const resources: ReadonlySet<string> = new Set<ResourceVariable>([
  ...Object.values(tables).map(({ variable }) => variable),
  ...(['BUS_NAME', 'SECRET_PREFIX', 'MEDIA_BUCKET', 'DEAD_LETTER_QUEUE_URL', 'SEND_MACHINE_ARN'] as const),
]);

/** The fields of the secret, by their variables in the local engine. */
const secretFields: ReadonlySet<string> = new Set([
  'LIVECHAT_WEBHOOK_SECRET',
  'LIVECHAT_CLIENT_ID',
  'LIVECHAT_AGENT_ID',
  'LIVECHAT_ORGANIZATION_ID',
  'LIVECHAT_API_KEY',
  'LIVECHAT_ACCOUNT_ID',
  'LIVECHAT_ACCESS_TOKEN',
]);

/** Variables that only the local engine sets. */
const localVariables: ReadonlySet<string> = new Set(['MEDIA_SIMULATOR_URL', 'AWS_ENDPOINT_URL']);

/** Variables that Lambda sets, and the options of the AWS SDKs, which the webhook's signed requests read as an SDK does. */
const sdkVariables: ReadonlySet<string> = new Set([
  'AWS_REGION',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_USE_DUALSTACK_ENDPOINT',
  'AWS_ENDPOINT_URL_EVENTBRIDGE',
  'AWS_ENDPOINT_URL_SECRETS_MANAGER',
]);

/** Variables that only the webhook has, and only with the edge. */
const edgeVariables: ReadonlySet<string> = new Set([edgeKey.variable]);

/** Names of the same form that are no variables. */
const otherNames: ReadonlySet<string> = new Set([
  'NEGATIVE_INFINITY',
  'POSITIVE_INFINITY',
  'ERROR_CODE',
  'ERROR_MESSAGE',
  'TIMED_OUT',
]);
const errorCode = /^(?:ERR|EAI)_/;

/** The variables that the code of each function reads, by function. */
export type VariableReads = Readonly<Record<string, ReadonlySet<string>>>;

/** Verifies that the environment of each function holds exactly the resource variables that its code reads, and no secrets. */
export function checkEnvironment(reads: VariableReads): Check {
  return (app) =>
    Object.keys(functions).flatMap((name) => {
      const found = at(
        find(app, 'aws:lambda/function:Function', resourceName(app, name)).inputs,
        'environment.variables',
      );
      const environment: Readonly<Record<string, unknown>> = typeof found === 'object' ? { ...found } : {};
      const read = reads[name] ?? new Set();
      const known = (one: string) =>
        [resources, secretFields, localVariables, sdkVariables, edgeVariables, otherNames].some((names) =>
          names.has(one),
        ) ||
        isSetting(one) ||
        errorCode.test(one);
      return [
        ...[...read].filter((one) => resources.has(one) && !environment[one]).map((one) => `lacks ${one}`),
        ...Object.keys(environment)
          .filter((one) => resources.has(one) && !read.has(one))
          .map((one) => `does not read ${one}`),
        ...[...read].filter((one) => !known(one)).map((one) => `reads the unknown variable ${one}`),
        ...Object.keys(environment)
          .filter((one) => secretFields.has(one))
          .map((one) => `has the secret ${one} in its environment`),
        ...Object.keys(environment)
          .filter((one) => localVariables.has(one))
          .map((one) => `has ${one}, which is for the local engine`),
        ...(environment.POWERTOOLS_SERVICE_NAME === `livechat-${stageName(app)}`
          ? []
          : ['has the wrong POWERTOOLS_SERVICE_NAME']),
      ].map((problem) => `${name}: ${problem}`);
    });
}

function isSetting(name: string): boolean {
  return settings.some((one) => one === name);
}

/** LOG_LEVEL, which Powertools reads, and names that the code builds at runtime. */
const readElsewhere = ['LOG_LEVEL', ...Object.keys(channels).map((carrier) => callsPerSecondSetting(carrier).name)];

/** Settings that no function reads. */
export function findUnreadSettings(reads: VariableReads): string[] {
  const read = new Set([...readElsewhere, ...Object.values(reads).flatMap((names) => [...names])]);
  return settings.filter((name) => !read.has(name)).map((name) => `no function reads ${name}`);
}

const root = join(import.meta.dirname, '..', '..', '..');

/** The form of environment variables, which no other identifiers in the code have. */
const variable = /\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b/g;

/**
 * The environment variables that the code of a function may read: every such name in its bundle outside of libraries. It
 * searches the bundle rather than the sources, because unused code is removed there.
 */
export async function findVariables(handler: string): Promise<ReadonlySet<string>> {
  const { outputFiles } = await build({
    ...bundleOptions,
    absWorkingDir: root,
    entryPoints: [handler.replace(/\.handler$/, '.ts')],
    outdir: join(root, 'dist', 'reads'),
    // Without minification, esbuild writes the path of each module as a comment.
    minify: false,
    minifySyntax: true,
    write: false,
    logLevel: 'error',
  });
  const names = outputFiles.flatMap(({ text }) => ownCode(text).flatMap((code) => [...code.matchAll(variable)]));
  return new Set(names.map(([, name = '']) => name));
}

function ownCode(bundle: string): string[] {
  const modules = bundle.split(/^\/\/ (?=[\w.@/-]+\.[cm]?[jt]s$)/m);
  return modules.filter((module) => /^(?:core|functions)\//.test(module));
}
