import { ConfigurationError, type Environment, wholeNumber } from '../platform/configuration.ts';
import type { FetchRules } from './fetch.ts';

/** LiveChat's own limit for an upload. */
const defaultMostBytes = 10 * 1024 * 1024;
const storeMs = 30_000;

/** How a message's file is fetched to be stored. @throws ConfigurationError */
export function storingRules(carrierHosts: readonly string[], environment: Environment = process.env): FetchRules {
  return {
    hosts: hostsOf('MEDIA_HOSTS', environment) ?? carrierHosts,
    maxBytes: mostBytes(environment),
    timeoutMs: storeMs,
    simulatorUrl: parseSimulatorUrl(environment),
  };
}

/**
 * How a file is fetched to be sent: from any public host unless some are named.
 *
 * @param timeoutMs for the whole download, in ms
 * @throws ConfigurationError
 */
export function sendingRules(timeoutMs: number, environment: Environment = process.env): FetchRules {
  return {
    hosts: hostsOf('MEDIA_OUTBOUND_HOSTS', environment),
    maxBytes: mostBytes(environment),
    timeoutMs,
  };
}

const mostBytes = (environment: Environment) => wholeNumber('MEDIA_MAX_BYTES', defaultMostBytes, 1, environment);

const hostName = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/;

function hostsOf(name: string, environment: Environment): readonly string[] | undefined {
  const given = environment[name];
  if (!given) return undefined;
  const hosts = given.split(',').map((host) => host.trim().toLowerCase());
  if (hosts.every((host) => hostName.test(host))) return hosts;
  throw new ConfigurationError(name, 'host names with commas between them, such as cdn.livechat-files.com');
}

/**
 * The simulator's origin, which plays LiveChat's CDN on one machine without https or a public address. Only beside a local
 * engine, whose AWS endpoint is on this machine too: a deployed function that has it does not start.
 */
function parseSimulatorUrl({ MEDIA_SIMULATOR_URL: given, AWS_ENDPOINT_URL: aws }: Environment): string | undefined {
  if (!given) return undefined;
  if (!aws || !loopback.has(URL.parse(aws)?.hostname ?? '')) {
    throw new ConfigurationError('MEDIA_SIMULATOR_URL', 'not to be set: it is for the local engine alone');
  }
  const url = URL.parse(given);
  if (url?.protocol === 'http:' && loopback.has(url.hostname)) return url.origin;
  throw new ConfigurationError('MEDIA_SIMULATOR_URL', 'the address of a simulator on this machine');
}

const loopback: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);
