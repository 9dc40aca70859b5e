import { once } from 'node:events';
import { createServer, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { FileRefused, fetchFile } from './fetch.ts';

const address = z.object({ port: z.number() });

async function refusal(url: string): Promise<string> {
  try {
    await fetchFile(url);
  } catch (error) {
    if (error instanceof FileRefused) return error.message;
    throw error;
  }
  throw new Error('was fetched');
}

describe('a file is not fetched', () => {
  /** Connections to this machine that somebody has opened. */
  let opened = 0;
  let port = 0;
  const server = createServer((socket) => {
    opened += 1;
    socket.destroy();
  });
  beforeEach(async () => {
    opened = 0;
    await once(server.listen(0), 'listening');
    ({ port } = address.parse(server.address()));
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    const closed = once(server, 'close');
    server.close();
    await closed;
  });

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
    const message = await refusal(url);
    expect(message).toMatch(/https address only/);
    expect(message).not.toContain('secret-path');
    expect(connect).not.toHaveBeenCalled();
  });

  it.each([
    ['private', '10.0.0.1'],
    ['private', '172.16.0.1'],
    ['private', '172.31.255.254'],
    ['private', '192.168.1.1'],
    ['loopback', '127.0.0.1'],
    ['loopback', '127.8.9.10'],
    ['loopback in decimal', '2130706433'],
    ['loopback in hexadecimal', '0x7f000001'],
    ['loopback in octal', '0177.0.0.1'],
    ['loopback, shortened', '127.1'],
    ['loopback with a dot', '127.0.0.1.'],
    ['loopback', '[::1]'],
    ['no address at all', '0.0.0.0'],
    ['no address at all', '[::]'],
    ['link-local', '169.254.1.1'],
    ['link-local', '[fe80::1]'],
    ['metadata of EC2 and Lambda', '169.254.169.254'],
    ['metadata of ECS', '169.254.170.2'],
    ['metadata of EC2', '[fd00:ec2::254]'],
    ['unique local', '[fd12:3456::1]'],
    ['IPv4 in IPv6, loopback', '[::ffff:127.0.0.1]'],
    ['IPv4 in IPv6, metadata', '[::ffff:169.254.169.254]'],
    ['IPv4 in IPv6, private', '[::ffff:a00:1]'],
    ['IPv4 in IPv6, as it once was', '[::127.0.0.1]'],
    ['IPv4 behind NAT64, metadata', '[64:ff9b::a9fe:a9fe]'],
    ['IPv4 by 6to4, private', '[2002:a00:1::]'],
    ['shared by a carrier', '100.64.0.1'],
    ['multicast', '224.0.0.1'],
    ['multicast', '[ff02::1]'],
    ['broadcast', '255.255.255.255'],
  ])('from an address that is %s: %s', async (_what, host) => {
    const connect = vi.spyOn(Socket.prototype, 'connect');
    const message = await refusal(`https://user:pass@${host}:${port}/secret-path.png?token=1`);
    expect(message).toBe('the file cannot be fetched: expected a public https address that answers 200 within 10 s');
    expect(connect).not.toHaveBeenCalled();
    expect(opened).toBe(0);
  });

  it.each(['localhost', 'LOCALHOST', 'localhost.'])('from a name that leads to a private address: %s', async (host) => {
    const message = await refusal(`https://${host}:${port}/secret-path.png`);
    expect(message).not.toContain('secret-path');
    expect(message).not.toContain('localhost');
    expect(opened).toBe(0);
  });
});
