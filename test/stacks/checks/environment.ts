import { bucket, functions, settings, stateMachines, tables, variables } from '../../../stacks/topology.ts';
import { at, type Check, find, named, stageOf } from '../select.ts';

const resources: ReadonlySet<string> = new Set([
  ...Object.values(tables).map(({ variable }) => variable),
  ...Object.values(stateMachines).map(({ variable }) => variable),
  ...Object.values(variables),
  bucket.variable,
]);

/** Fields of the secret, which have the names that they have in the environment of the local engine. */
const fields: ReadonlySet<string> = new Set([
  'LIVECHAT_WEBHOOK_SECRET',
  'LIVECHAT_CLIENT_ID',
  'LIVECHAT_AGENT_ID',
  'LIVECHAT_API_KEY',
  'LIVECHAT_ACCOUNT_ID',
  'LIVECHAT_ACCESS_TOKEN',
]);

/** By these a function learns that it runs beside the local engine. Deployed it must not have them. */
const local: ReadonlySet<string> = new Set(['MEDIA_SIMULATOR_URL', 'AWS_ENDPOINT_URL']);

/** Look like variables and are none: JavaScript's and AWS's own words, and error codes of Node and the HTTP client. */
const words: ReadonlySet<string> = new Set(['NEGATIVE_INFINITY', 'ERROR_CODE', 'ERROR_MESSAGE', 'TIMED_OUT']);
const errorCode = /^(?:ERR|EAI)_/;

/** What each function's code reads from its environment, by the function's name. */
export type Reads = Readonly<Record<string, ReadonlySet<string>>>;

/** Every function finds what its code reads, and nothing that it does not; no secret among it. */
export function provided(reads: Reads): Check {
  return (app) =>
    Object.keys(functions).flatMap((name) => {
      const found = at(find(app, 'aws:lambda/function:Function', named(app, name)).inputs, 'environment.variables');
      const there: Readonly<Record<string, unknown>> = typeof found === 'object' ? { ...found } : {};
      const read = reads[name] ?? new Set();
      const known = (one: string) =>
        [resources, fields, local, words].some((names) => names.has(one)) || isSetting(one) || errorCode.test(one);
      return [
        ...[...read].filter((one) => resources.has(one) && !there[one]).map((one) => `does not find ${one}`),
        ...Object.keys(there)
          .filter((one) => resources.has(one) && !read.has(one))
          .map((one) => `never reads ${one}`),
        ...[...read].filter((one) => !known(one)).map((one) => `reads ${one}, which nobody knows`),
        ...Object.keys(there)
          .filter((one) => fields.has(one))
          .map((one) => `has the secret ${one} in its environment`),
        ...Object.keys(there)
          .filter((one) => local.has(one))
          .map((one) => `has ${one}, which is for the local engine`),
        ...(there.POWERTOOLS_SERVICE_NAME === `livechat-${stageOf(app)}` ? [] : ['counts for another service']),
      ].map((problem) => `${name}: ${problem}`);
    });
}

function isSetting(name: string): boolean {
  return settings.some((one) => one === name);
}

/** Settings that no function reads. The logger, a library, reads its own. */
export function unread(reads: Reads): string[] {
  const read = new Set(Object.values(reads).flatMap((names) => [...names]));
  return settings.filter((name) => !read.has(name) && name !== 'LOG_LEVEL').map((name) => `nobody reads ${name}`);
}
