import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { lookupIn, type Names, outcome, rules, startFileServer, startTrapServer } from '../../test/file-server.ts';
import { fetchFile, publicNetwork } from './fetch.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
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

const refused = {
  name: 'FileRefused',
  message: expect.stringContaining('expected a complete response from a public https'),
};
/** Addresses of private networks. */
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
  ['IPv4-compatible IPv6', '::127.0.0.1'],
  ['IPv4 behind NAT64, metadata', '64:ff9b::a9fe:a9fe'],
  ['IPv4 behind a NAT64 of its own, metadata', '64:ff9b:1::a9fe:a9fe'],
  ['IPv4 by 6to4, private', '2002:a00:1::'],
  ['IPv4 by Teredo', '2001:0:a00:1::'],
  ['carrier-grade NAT', '100.64.0.1'],
  ['for benchmarks', '198.18.0.1'],
  ['reserved', '240.0.0.1'],
  ['multicast', '224.0.0.1'],
  ['multicast', 'ff02::1'],
  ['broadcast', '255.255.255.255'],
] as const;
const otherNotations = [
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
  ])('from a URL that is not https: %s', async (url) => {
    const connect = vi.spyOn(Socket.prototype, 'connect');
    expect(await outcome(url, publicNetwork)).toEqual({
      name: 'FileRefused',
      message: 'a file must have an https URL',
    });
    expect(connect).not.toHaveBeenCalled();
  });

  it.each([...privateAddresses, ...otherNotations])('from an address that is %s: %s', async (_what, address) => {
    const { port, connections } = await trap();
    const connect = vi.spyOn(Socket.prototype, 'connect');
    const url = `https://user:pass@${inUrl(address)}:${port}/secret-path.png?token=1`;
    expect(await outcome(url, publicNetwork)).toEqual({
      name: 'FileRefused',
      message:
        'the file cannot be fetched: expected a complete response from a public https address, at most 3 redirects away',
    });
    expect(connect).not.toHaveBeenCalled();
    expect(connections()).toBe(0);
  });

  it.each(['localhost', 'LOCALHOST', 'localhost.'])('from a local name: %s', async (host) => {
    const { port, connections } = await trap();
    // Some systems do not resolve the last one.
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
    // A connection may use any of the addresses.
    expect(await outcome(`https://a.files.example:${port}/`, network('93.184.216.34', address))).toMatchObject(refused);
    expect(connections()).toBe(0);
  });

  it.each([...privateAddresses, ...otherNotations])(
    'by a redirect to an address that is %s: %s',
    async (_what, address) => {
      const { port, connections } = await trap();
      const to = `https://${inUrl(address)}:${port}/`;
      const server = await files((_request, response) => void response.writeHead(302, { location: to }).end());
      expect(await outcome(server.url('/a.png'), server.network())).toMatchObject(refused);
      expect(server.requested).toEqual(['cdn.files.example/a.png']);
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

  it('from a name whose address changes between two connections (DNS rebinding)', async () => {
    const answers = [['127.0.0.1'], ['169.254.169.254']];
    const names: Names = { 'cdn.files.example': () => answers.shift() ?? [] };
    const server = await files((_request, response) => void response.writeHead(302, { location: '/b.png' }).end());
    expect(await outcome(server.url('/a.png'), server.network(5_000, names))).toMatchObject(refused);
    expect(server.requested).toEqual(['cdn.files.example/a.png']);
    expect(answers).toEqual([]);
  });

  it.each([
    ['http', 'http://cdn.files.example/a.png', 'must have an https URL'],
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
    expect(server.requested).toHaveLength(8);
  });

  it('from a host that is not allowed, also by redirect', async () => {
    const server = await files((request, response) => {
      const to = server.url('/b.png', 'other.files.example');
      if (request.url === '/a.png') response.writeHead(302, { location: to }).end();
      else response.end('here');
    });
    const hosts = { hosts: ['cdn.files.example'] };
    const elsewhere = { name: 'FileRefused', message: 'the host of the file is not allowed' };
    expect(await outcome(server.url('/b.png'), server.network(), hosts)).toMatchObject({ text: 'here' });
    expect(await outcome(server.url('/b.png', 'other.files.example'), server.network(), hosts)).toEqual(elsewhere);
    expect(await outcome(server.url('/a.png'), server.network(), hosts)).toEqual(elsewhere);
    expect(await outcome(server.url('/b.png', 'cdn.files.example.'), server.network(), hosts)).toEqual(elsewhere);
    expect(await outcome('https://cdn.files.example@127.0.0.2/b.png', server.network(), hosts)).toEqual(elsewhere);
  });

  it('from a server with an untrusted certificate', async () => {
    const server = await files((_request, response) => void response.end('here'));
    const { certificateAuthority: _, ...untrusting } = server.network();
    expect(await outcome(server.url('/a.png'), untrusting)).toMatchObject(refused);
    expect(await outcome(server.url('/a.png', 'cdn.other.example'), server.network())).toMatchObject(refused);
    expect(server.requested).toEqual([]);
  });
});

it('fetchFile uses the public network only', async () => {
  const { port, connections } = await trap();
  await expect(fetchFile(`https://127.0.0.2:${port}/`, rules, async () => 'fetched')).rejects.toThrow('public https');
  expect(connections()).toBe(0);
});
