import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Socket as Connection, createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type FetchRules, fetcher, fetchFile } from './fetch.ts';
import { type Network, publicNetwork } from './network.ts';
import { lookupIn, type Names, startFileServer, startTrapServer } from './testing.ts';

const rules: FetchRules = { maxBytes: 1000, totalMs: 5_000 };
const cleanups: (() => Promise<void>)[] = [];
/** Where downloads are put, for one test alone. */
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fetch-test-'));
  vi.stubEnv('TMPDIR', folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
  vi.restoreAllMocks();
  await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
});

async function trap() {
  const started = await startTrapServer();
  cleanups.push(started.stop);
  return started;
}

async function files(respond: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = await startFileServer(respond);
  cleanups.push(server.stop);
  return server;
}

/** How a download ends: what was downloaded, or the error's name and message. */
async function outcome(url: string, network: Network, more: Partial<FetchRules> = {}) {
  try {
    return await fetcher(network)(url, { ...rules, ...more }, async ({ path, ...file }) => ({
      ...file,
      text: await readFile(path, 'utf8'),
    }));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { name: error.name, message: error.message };
  }
}

const refused = {
  name: 'FileRefused',
  message: expect.stringContaining('expected a whole answer from a public https'),
};
const unavailable = (code: string | number) => ({
  name: 'FileUnavailable',
  message: expect.stringContaining(`${code}`),
});

/** Addresses that lead into a network of somebody's own. */
const privateAddresses = [
  ['private', '10.0.0.1'],
  ['private', '172.16.0.1'],
  ['private', '172.31.255.254'],
  ['private', '192.168.1.1'],
  ['loopback', '127.0.0.2'],
  ['loopback', '127.8.9.10'],
  ['loopback', '::1'],
  ['no address at all', '0.0.0.0'],
  ['no address at all', '::'],
  ['link-local', '169.254.1.1'],
  ['link-local', 'fe80::1'],
  ['metadata of EC2 and Lambda', '169.254.169.254'],
  ['metadata of ECS', '169.254.170.2'],
  ['metadata of EC2', 'fd00:ec2::254'],
  ['unique local', 'fd12:3456::1'],
  ['site-local', 'fec0::1'],
  ['IPv4 in IPv6, loopback', '::ffff:127.0.0.1'],
  ['IPv4 in IPv6, metadata', '::ffff:169.254.169.254'],
  ['IPv4 in IPv6, private', '::ffff:a00:1'],
  ['IPv4 in IPv6, as it once was', '::127.0.0.1'],
  ['IPv4 behind NAT64, metadata', '64:ff9b::a9fe:a9fe'],
  ['IPv4 behind a NAT64 of its own, metadata', '64:ff9b:1::a9fe:a9fe'],
  ['IPv4 by 6to4, private', '2002:a00:1::'],
  ['IPv4 by Teredo', '2001:0:a00:1::'],
  ['shared by a carrier', '100.64.0.1'],
  ['for benchmarks', '198.18.0.1'],
  ['reserved', '240.0.0.1'],
  ['multicast', '224.0.0.1'],
  ['multicast', 'ff02::1'],
  ['broadcast', '255.255.255.255'],
] as const;
const otherSpellings = [
  ['loopback in decimal', '2130706434'],
  ['loopback in hexadecimal', '0x7f000002'],
  ['loopback in octal', '0177.0.0.2'],
  ['loopback, shortened', '127.2'],
  ['loopback with a dot', '127.0.0.2.'],
] as const;
const inUrl = (address: string) => (address.includes(':') ? `[${address}]` : address);

describe('a file is not fetched', () => {
  it.each([
    'http://example.com/secret-path.png',
    'ftp://example.com/secret-path.png',
    'file:///etc/secret-path',
    'data:text/plain,secret-path',
    'HTTP://example.com/secret-path',
    '//example.com/secret-path',
    'secret-path',
    '',
  ])('by anything but https: %s', async (url) => {
    const connect = vi.spyOn(Socket.prototype, 'connect');
    expect(await outcome(url, publicNetwork)).toEqual({
      name: 'FileRefused',
      message: 'a file is fetched from an https address only',
    });
    expect(connect).not.toHaveBeenCalled();
  });

  it.each([...privateAddresses, ...otherSpellings])('from an address that is %s: %s', async (_what, address) => {
    const { port, connections } = await trap();
    const connect = vi.spyOn(Socket.prototype, 'connect');
    const url = `https://user:pass@${inUrl(address)}:${port}/secret-path.png?token=1`;
    expect(await outcome(url, publicNetwork)).toEqual({
      name: 'FileRefused',
      message:
        'the file cannot be fetched: expected a whole answer from a public https address, at most 3 redirects away',
    });
    expect(connect).not.toHaveBeenCalled();
    expect(connections()).toBe(0);
  });

  it.each(['localhost', 'LOCALHOST', 'localhost.'])('from a name that this machine knows: %s', async (host) => {
    const { port, connections } = await trap();
    // Not every machine knows the last one.
    expect(await outcome(`https://${host}:${port}/`, publicNetwork)).toHaveProperty('name');
    expect(connections()).toBe(0);
  });

  it.each(privateAddresses)('from a name whose address is %s: %s', async (_what, address) => {
    const { port, connections } = await trap();
    const network = (...addresses: string[]) => ({
      ...publicNetwork,
      lookup: lookupIn({ 'a.files.example': addresses }),
    });
    expect(await outcome(`https://a.files.example:${port}/`, network(address))).toMatchObject(refused);
    // Which of several the connection would take is not known.
    expect(await outcome(`https://a.files.example:${port}/`, network('93.184.216.34', address))).toMatchObject(refused);
    expect(connections()).toBe(0);
  });

  it.each([...privateAddresses, ...otherSpellings])(
    'by a redirect to an address that is %s: %s',
    async (_what, address) => {
      const { port, connections } = await trap();
      const to = `https://${inUrl(address)}:${port}/`;
      const server = await files((_request, response) => void response.writeHead(302, { location: to }).end());
      expect(await outcome(server.url('/a.png'), server.network())).toMatchObject(refused);
      expect(server.asked).toEqual(['cdn.files.example/a.png']);
      expect(connections()).toBe(0);
    },
  );

  it.each(privateAddresses)('by a redirect to a name whose address is %s: %s', async (_what, address) => {
    const { port, connections } = await trap();
    const to = `https://inner.files.example:${port}/`;
    const server = await files((_request, response) => void response.writeHead(307, { location: to }).end());
    const network = server.network(5_000, { 'inner.files.example': [address] });
    expect(await outcome(server.url('/a.png'), network)).toMatchObject(refused);
    expect(connections()).toBe(0);
  });

  it('from a name that changes its address between two connections', async () => {
    const answers = [['127.0.0.1'], ['169.254.169.254']];
    const names: Names = { 'cdn.files.example': () => answers.shift() ?? [] };
    const server = await files((_request, response) => void response.writeHead(302, { location: '/b.png' }).end());
    expect(await outcome(server.url('/a.png'), server.network(5_000, names))).toMatchObject(refused);
    expect(server.asked).toEqual(['cdn.files.example/a.png']);
    expect(answers).toEqual([]);
  });

  it.each([
    ['http', 'http://cdn.files.example/a.png', 'https address only'],
    ['ftp', 'ftp://cdn.files.example/a.png', 'public https address'],
    ['a file', 'file:///etc/passwd', 'public https address'],
  ])('by a redirect to %s', async (_what, location, message) => {
    const server = await files((_request, response) => void response.writeHead(302, { location }).end());
    expect(await outcome(server.url('/a.png'), server.network())).toEqual({
      name: 'FileRefused',
      message: expect.stringContaining(message),
    });
  });

  it('after more than three redirects', async () => {
    const server = await files((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) response.end('here');
      else response.writeHead(301, { location: `/${left - 1}` }).end();
    });
    expect(await outcome(server.url('/3'), server.network())).toMatchObject({ text: 'here' });
    expect(await outcome(server.url('/4'), server.network())).toMatchObject(refused);
    expect(server.asked).toHaveLength(8);
  });

  it('from a host that is not allowed, by redirect neither', async () => {
    const server = await files((request, response) => {
      const to = server.url('/b.png', 'other.files.example');
      if (request.url === '/a.png') response.writeHead(302, { location: to }).end();
      else response.end('here');
    });
    const hosts = { hosts: ['cdn.files.example'] };
    const elsewhere = { name: 'FileRefused', message: 'a file is not fetched from this host' };
    expect(await outcome(server.url('/b.png'), server.network(), hosts)).toMatchObject({ text: 'here' });
    expect(await outcome(server.url('/b.png', 'other.files.example'), server.network(), hosts)).toEqual(elsewhere);
    expect(await outcome(server.url('/a.png'), server.network(), hosts)).toEqual(elsewhere);
    expect(await outcome(server.url('/b.png', 'cdn.files.example.'), server.network(), hosts)).toEqual(elsewhere);
    expect(await outcome('https://cdn.files.example@127.0.0.2/b.png', server.network(), hosts)).toEqual(elsewhere);
  });

  it('from a server that cannot prove its name', async () => {
    const server = await files((_request, response) => void response.end('here'));
    const { certificateAuthority: _, ...untrusting } = server.network();
    expect(await outcome(server.url('/a.png'), untrusting)).toMatchObject(refused);
    expect(await outcome(server.url('/a.png', 'cdn.other.example'), server.network())).toMatchObject(refused);
    expect(server.asked).toEqual([]);
  });
});

describe('a download', () => {
  it('is a file on the disk for as long as it is used, with its size, hash and type', async () => {
    const server = await files((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
      response.end('hello');
    });
    const paths: string[] = [];
    const answer = await fetcher(server.network())(server.url('/a.txt'), rules, async (file) => {
      paths.push(file.path);
      return file;
    });
    expect(answer).toMatchObject({
      size: 5,
      sha256: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
      contentType: 'text/plain; charset=utf-8',
    });
    expect(paths[0]?.startsWith(folder)).toBe(true);
    await expect(readFile(paths[0] ?? '')).rejects.toThrow('ENOENT');
  });

  it('whose use fails leaves nothing behind, and its error is the one that is heard', async () => {
    const server = await files((_request, response) => void response.end('hello'));
    let path = '';
    const failing = fetcher(server.network())(server.url('/a.txt'), rules, async (file) => {
      path = file.path;
      throw new RangeError('no room');
    });
    await expect(failing).rejects.toThrow(RangeError);
    await expect(readFile(path)).rejects.toThrow('ENOENT');
  });

  it.each<[string, (response: ServerResponse, request: IncomingMessage) => void]>([
    ['that is larger than it may be', (response) => response.end('x'.repeat(1001))],
    ['that says so before', (response) => response.writeHead(200, { 'content-length': 5e12 }).flushHeaders()],
    ['that never ends', endless],
    [
      'that is small until it is unpacked',
      (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(50_000_000))),
    ],
  ])('%s is refused, and nothing of it is kept', async (_what, respond) => {
    const server = await files((request, response) => respond(response, request));
    expect(await outcome(server.url('/a.png'), server.network())).toEqual({
      name: 'FileRefused',
      message: 'the file is too large: expected at most 1000 bytes',
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it.each<[string, (response: ServerResponse, request: IncomingMessage) => void, object]>([
    [
      'that is shorter than was said',
      (response) => {
        response.writeHead(200, { 'content-length': 900 }).write('x'.repeat(10));
        setImmediate(() => response.destroy());
      },
      unavailable('no whole answer'),
    ],
    [
      'that breaks off',
      (response) => {
        response.write('x');
        setImmediate(() => response.destroy());
      },
      unavailable('ECONNRESET'),
    ],
    ['that is longer than was said', raw('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello'), refused],
    ['of two lengths', raw('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nhello'), refused],
    ['of a negative length', raw('HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello'), refused],
    ['that is none of HTTP', raw('hello'), refused],
    ['answered 204', (response) => response.writeHead(204).end(), { name: 'FileRefused', message: /200.*204$/ }],
    ['answered 404', (response) => response.writeHead(404).end('x'), { name: 'FileRefused', message: /200.*404$/ }],
    ['answered 403', (response) => response.writeHead(403).end('x'), { name: 'FileRefused', message: /200.*403$/ }],
    ['answered 429', (response) => response.writeHead(429).end('x'), { name: 'FileUnavailable', message: /200.*429$/ }],
    ['answered 503', (response) => response.writeHead(503).end('x'), { name: 'FileUnavailable', message: /200.*503$/ }],
  ])(
    '%s is not taken, nor half of it',
    async (_what, respond, { name, message }: { name?: string; message?: unknown }) => {
      const server = await files((request, response) => respond(response, request));
      expect(await outcome(server.url('/a.png'), server.network())).toEqual({
        name,
        message: message instanceof RegExp ? expect.stringMatching(message) : message,
      });
      expect(await readdir(folder)).toEqual([]);
    },
  );

  const hanging: [string, (response: ServerResponse, request: IncomingMessage) => void][] = [
    ['never answers', () => {}],
    ['falls silent within its answer', (response) => void response.write('x')],
  ];
  it.each(hanging)('is given up when the server %s', async (_what, respond) => {
    const server = await files((request, response) => respond(response, request));
    expect(await outcome(server.url('/a.png'), server.network(200), { totalMs: 60_000 })).toEqual(
      unavailable('ETIMEDOUT'),
    );
  });

  it('is given up when the server speaks no TLS', async () => {
    const silent = await startSilentServer();
    const server = await files(() => {});
    const url = `https://cdn.files.example:${silent.port}/a.png`;
    expect(await outcome(url, server.network(200), { totalMs: 60_000 })).toEqual(unavailable('ETIMEDOUT'));
  });

  it('is given up when the name is never resolved', async () => {
    const network: Network = { ...publicNetwork, stepMs: 200, lookup: () => {} };
    expect(await outcome('https://cdn.files.example/', network, { totalMs: 60_000 })).toEqual(unavailable('ETIMEDOUT'));
  });

  it('is given up after all its time, however busy the server', async () => {
    const server = await files((_request, response) => {
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    });
    expect(await outcome(server.url('/a.png'), server.network(), { totalMs: 400 })).toEqual(unavailable('ETIMEDOUT'));
  });

  it('is given up over all its redirects together', async () => {
    const server = await files((request, response) => {
      const left = Number(request.url?.slice(1));
      setTimeout(() => response.writeHead(302, { location: `/${left - 1}` }).end(), 250);
    });
    expect(await outcome(server.url('/9'), server.network(), { totalMs: 400 })).toEqual(unavailable('ETIMEDOUT'));
  });

  it('is given up when whoever wants it says so', async () => {
    const server = await files(() => {});
    const signal = AbortSignal.timeout(100);
    expect(await outcome(server.url('/a.png'), server.network(), { signal })).toEqual(unavailable('ETIMEDOUT'));
  });

  it('of nobody that is there now may be tried again', async () => {
    const network = { ...publicNetwork, lookup: lookupIn({ 'gone.files.example': [] }) };
    expect(await outcome('https://gone.files.example/a.png', network)).toEqual(unavailable('ENOTFOUND'));
  });
});

describe('a stand-in', () => {
  it('has the files of the hosts, and leads nowhere', async () => {
    const { startServer, answering } = await import('../livechat/client/testing.ts');
    const simulator = await startServer((response, request) =>
      request.url === '/away'
        ? answering(302, '', { location: 'https://cdn.files.example/b.png' })(response, request)
        : answering(200, 'here')(response, request),
    );
    cleanups.push(simulator.stop);
    const fetched = (url: string) =>
      outcome(url, publicNetwork, { standIn: simulator.url, hosts: ['cdn.files.example'] });
    expect(await fetched('https://cdn.files.example/a.png?size=1')).toMatchObject({ text: 'here' });
    expect(simulator.received.map(({ path }) => path)).toEqual(['/a.png?size=1']);
    expect(await fetched('https://cdn.files.example/away')).toMatchObject({ message: expect.stringMatching(/302$/) });
    expect(await fetched('https://other.files.example/a.png')).toMatchObject({ name: 'FileRefused' });
    expect(await fetched('http://cdn.files.example/a.png')).toMatchObject({ name: 'FileRefused' });
  });
});

it('the downloads of the functions go by the public network alone', async () => {
  const { port, connections } = await trap();
  await expect(fetchFile(`https://127.0.0.2:${port}/`, rules, async () => 'fetched')).rejects.toThrow('public https');
  expect(connections()).toBe(0);
});

function endless(response: ServerResponse): void {
  const more = () => {
    while (!response.destroyed && response.write('x'.repeat(500)));
  };
  response.on('drain', more);
  more();
}

/** An answer that Node's own server would not give. */
function raw(answer: string) {
  return (_response: ServerResponse, request: IncomingMessage): void => void request.socket.end(answer);
}

async function startSilentServer() {
  const sockets = new Set<Connection>();
  const server = createServer((socket) => void sockets.add(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const given = server.address();
  return { port: typeof given === 'object' && given ? given.port : 0 };
}
