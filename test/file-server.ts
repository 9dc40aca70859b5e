import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import { isIP, type LookupFunction, createServer as startTrap } from 'node:net';
import * as z from 'zod/mini';
import { createFetcher, type FetchRules, type Network, publicAgents } from '../core/media/fetch.ts';

const address = z.object({ port: z.number() });
const pem = (name: string) => readFileSync(new URL(`./fixtures/tls/${name}.pem`, import.meta.url), 'utf8');

/** The test's own server: the only private address that the test's network accepts. */
const serverAddress = '127.0.0.1';

/** Starts a local https file server, with a network in which its host names are public. */
export async function startFileServer(respond: RequestListener) {
  const requested: string[] = [];
  const server = createServer({ key: pem('key'), cert: pem('certificate') }, (request, response) => {
    requested.push(`${request.headers.host?.split(':')[0]}${request.url}`);
    respond(request, response);
  });
  await once(server.listen(0, serverAddress), 'listening');
  const { port } = address.parse(server.address());
  return {
    /** The host and path of each request. */
    requested,
    url: (path: string, host = 'cdn.files.example') => `https://${host}:${port}${path}`,
    network: (stepMs = 10_000, names: Names = {}): Network => ({
      agent: publicAgents([serverAddress]),
      stepMs,
      lookup: lookupIn(names),
      certificateAuthority: pem('certificate'),
    }),
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The addresses of a name at its next resolution; every other name resolves to the test's server. */
export type Names = Readonly<Record<string, readonly string[] | (() => readonly string[])>>;

export function lookupIn(names: Names): LookupFunction {
  return (name, options, callback) => {
    const given = Object.hasOwn(names, name) ? names[name] : undefined;
    const addresses = (typeof given === 'function' ? given() : (given ?? [serverAddress])).map((one) => ({
      address: one,
      family: isIP(one),
    }));
    const [first] = addresses;
    if (!first) return callback(Object.assign(new Error(`no ${name}`), { code: 'ENOTFOUND' }), '');
    if (options.all) return callback(null, addresses);
    callback(null, first.address, first.family);
  };
}

/** A server on every local address that counts connections, to assert that there are none. */
export async function startTrapServer() {
  let connections = 0;
  const server = startTrap((socket) => {
    connections += 1;
    socket.destroy();
  });
  await once(server.listen(0), 'listening');
  const { port } = address.parse(server.address());
  return {
    port,
    connections: () => connections,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

export const rules: FetchRules = { maxBytes: 1000, timeoutMs: 5_000 };

/** The result of a download: the file, or the error's name and message. */
export async function outcome(url: string, network: Network, more: Partial<FetchRules> = {}) {
  try {
    return await createFetcher(network)(url, { ...rules, ...more }, async ({ path, ...file }) => ({
      ...file,
      text: await readFile(path, 'utf8'),
    }));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { name: error.name, message: error.message };
  }
}
