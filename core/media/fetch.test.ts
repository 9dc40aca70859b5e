import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { lookupIn, outcome, rules, startFileServer } from '../../test/file-server.ts';
import { createFetcher, type Network, publicNetwork } from './fetch.ts';

const cleanups: (() => Promise<void>)[] = [];
/** The temporary folder of one test. */
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fetch-test-'));
  vi.stubEnv('TMPDIR', folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
  await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
});

async function files(respond: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = await startFileServer(respond);
  cleanups.push(server.stop);
  return server;
}

const refused = {
  name: 'FileRefused',
  message: expect.stringContaining('expected a complete response from a public https'),
};
const unavailable = (code: string | number) => ({
  name: 'FileUnavailable',
  message: expect.stringContaining(`${code}`),
});

describe('a download', () => {
  it('is a temporary file with its size, hash and type', async () => {
    const server = await files((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
      response.end('hello');
    });
    const paths: string[] = [];
    const answer = await createFetcher(server.network())(server.url('/a.txt'), rules, async (file) => {
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

  it('is deleted if `use` fails, and the error is passed on', async () => {
    const server = await files((_request, response) => void response.end('hello'));
    let path = '';
    const failing = createFetcher(server.network())(server.url('/a.txt'), rules, async (file) => {
      path = file.path;
      throw new RangeError('no room');
    });
    await expect(failing).rejects.toThrow(RangeError);
    await expect(readFile(path)).rejects.toThrow('ENOENT');
  });

  it.each<[string, (response: ServerResponse, request: IncomingMessage) => void]>([
    ['over the size limit', (response) => response.end('x'.repeat(1001))],
    [
      'with a Content-Length over the limit',
      (response) => response.writeHead(200, { 'content-length': 5e12 }).flushHeaders(),
    ],
    ['that never ends', endless],
    [
      'that decompresses beyond the limit',
      (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(50_000_000))),
    ],
  ])('%s is rejected and deleted', async (_what, respond) => {
    const server = await files((request, response) => respond(response, request));
    expect(await outcome(server.url('/a.png'), server.network())).toEqual({
      name: 'FileRefused',
      message: 'the file is too large: expected at most 1000 bytes',
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it.each<[string, (response: ServerResponse, request: IncomingMessage) => void, object]>([
    [
      'shorter than its Content-Length',
      (response) => {
        response.writeHead(200, { 'content-length': 900 }).write('x'.repeat(10));
        setImmediate(() => response.destroy());
      },
      unavailable('no complete response'),
    ],
    [
      'that is interrupted',
      (response) => {
        response.write('x');
        setImmediate(() => response.destroy());
      },
      unavailable('ECONNRESET'),
    ],
    ['longer than its Content-Length', raw('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello'), refused],
    ['with two lengths', raw('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nhello'), refused],
    ['with a negative length', raw('HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello'), refused],
    ['that is not HTTP', raw('hello'), refused],
    [
      'answered 204',
      (response) => response.writeHead(204).end(),
      { name: 'FileRefused', message: /200, received 204$/ },
    ],
    [
      'answered 404',
      (response) => response.writeHead(404).end('x'),
      { name: 'FileRefused', message: /200, received 404$/ },
    ],
    [
      'answered 403',
      (response) => response.writeHead(403).end('x'),
      { name: 'FileRefused', message: /200, received 403$/ },
    ],
    [
      'answered 429',
      (response) => response.writeHead(429).end('x'),
      { name: 'FileUnavailable', message: /200, received 429$/ },
    ],
    [
      'answered 503',
      (response) => response.writeHead(503).end('x'),
      { name: 'FileUnavailable', message: /200, received 503$/ },
    ],
  ])(
    '%s is rejected and leaves no temporary file',
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
    ['never responds', () => {}],
    ['stops sending', (response) => void response.write('x')],
  ];
  it.each(hanging)('times out if the server %s', async (_what, respond) => {
    const server = await files((request, response) => respond(response, request));
    expect(await outcome(server.url('/a.png'), server.network(200), { timeoutMs: 60_000 })).toEqual(
      unavailable('ETIMEDOUT'),
    );
  });

  it('times out if the server does not speak TLS', async () => {
    const silent = await startSilentServer();
    const server = await files(() => {});
    const url = `https://cdn.files.example:${silent.port}/a.png`;
    expect(await outcome(url, server.network(200), { timeoutMs: 60_000 })).toEqual(unavailable('ETIMEDOUT'));
  });

  it('times out if the name is never resolved', async () => {
    const network: Network = { ...publicNetwork, stepMs: 200, lookup: () => {} };
    expect(await outcome('https://cdn.files.example/', network, { timeoutMs: 60_000 })).toEqual(
      unavailable('ETIMEDOUT'),
    );
  });

  it('times out although the server keeps sending', async () => {
    const server = await files((_request, response) => {
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    });
    expect(await outcome(server.url('/a.png'), server.network(), { timeoutMs: 400 })).toEqual(unavailable('ETIMEDOUT'));
  });

  it('times out over all redirects together', async () => {
    const server = await files((request, response) => {
      const left = Number(request.url?.slice(1));
      setTimeout(() => response.writeHead(302, { location: `/${left - 1}` }).end(), 250);
    });
    expect(await outcome(server.url('/9'), server.network(), { timeoutMs: 400 })).toEqual(unavailable('ETIMEDOUT'));
  });

  it('from an unknown host fails with a retryable error', async () => {
    const network = { ...publicNetwork, lookup: lookupIn({ 'gone.files.example': [] }) };
    expect(await outcome('https://gone.files.example/a.png', network)).toEqual(unavailable('ENOTFOUND'));
  });
});

describe('a simulator', () => {
  it('serves the files of the hosts, without redirects', async () => {
    const { startServer, respondWith } = await import('../../test/http-server.ts');
    const simulator = await startServer((response, request) =>
      request.url === '/away'
        ? respondWith(302, '', { location: 'https://cdn.files.example/b.png' })(response, request)
        : respondWith(200, 'here')(response, request),
    );
    cleanups.push(simulator.stop);
    const fetched = (url: string) =>
      outcome(url, publicNetwork, { simulatorUrl: simulator.url, hosts: ['cdn.files.example'] });
    expect(await fetched('https://cdn.files.example/a.png?size=1')).toMatchObject({ text: 'here' });
    expect(simulator.received.map(({ path }) => path)).toEqual(['/a.png?size=1']);
    expect(await fetched('https://cdn.files.example/away')).toMatchObject({ message: expect.stringMatching(/302$/) });
    expect(await fetched('https://other.files.example/a.png')).toMatchObject({ name: 'FileRefused' });
    expect(await fetched('http://cdn.files.example/a.png')).toMatchObject({ name: 'FileRefused' });
  });
});

function endless(response: ServerResponse): void {
  const more = () => {
    while (!response.destroyed && response.write('x'.repeat(500)));
  };
  response.on('drain', more);
  more();
}

/** A response that Node's server would not send. */
function raw(answer: string) {
  return (_response: ServerResponse, request: IncomingMessage): void => void request.socket.end(answer);
}

async function startSilentServer() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const given = server.address();
  return { port: typeof given === 'object' && given ? given.port : 0 };
}
