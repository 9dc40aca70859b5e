import { lookup as resolve } from 'node:dns';
import { BlockList, isIPv6, type LookupFunction } from 'node:net';
import type { Agents } from 'got';
import { RequestFilteringHttpAgent, RequestFilteringHttpsAgent } from 'request-filtering-agent';

/** The network as downloads see it. */
export interface Network {
  readonly agent: Agents;
  readonly lookup: LookupFunction;
  /** For each step of an exchange: name resolution, connection, TLS, waiting for the answer, and silence within it; in ms. */
  readonly stepMs: number;
  /** Accepted beside the usual ones, as PEM. */
  readonly certificateAuthority?: string;
}

/**
 * Agents that connect to public addresses only: checked for what a name resolves to, when it is resolved for the
 * connection itself, so that a second answer of the DNS cannot slip in between. Each redirect is another connection.
 *
 * @param allowed addresses that are let through all the same; tests put their own server here
 */
export function publicAgents(allowed: readonly string[] = []): Agents {
  const filter = { allowIPAddressList: [...allowed] };
  return { http: new RequestFilteringHttpAgent(filter), https: new RequestFilteringHttpsAgent(filter) };
}

/** IPv4 as it once was written in IPv6: to the agents' library it is public. */
const oldIPv4 = new BlockList();
oldIPv4.addSubnet('::', 96, 'ipv6');

/** Whether the agents would take an address for public that is not. */
export function isDisguised(address: string): boolean {
  return isIPv6(address) && oldIPv4.check(address, 'ipv6');
}

/** Name resolution without disguised addresses; all others are the agents' business. */
export function undisguised(lookup: LookupFunction): LookupFunction {
  return (name, options, callback) =>
    lookup(name, options, (error, given, family) => {
      const addresses = typeof given === 'string' ? [{ address: given }] : given;
      if (!error && addresses.some(({ address }) => isDisguised(address))) {
        return callback(new Error('an address that is not public'), '');
      }
      callback(error, given, family);
    });
}

export const publicNetwork: Network = { agent: publicAgents(), lookup: resolve, stepMs: 10_000 };
