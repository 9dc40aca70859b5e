import { describe, expect, it } from 'vitest';
import { findForeignHeader, isLoopbackHost } from './loopback.ts';

describe('isLoopbackHost', () => {
  it.each(['localhost', 'localhost:3000', 'LocalHost:80', '127.0.0.1:4566', '[::1]', '[::1]:4600'])(
    'accepts %s',
    (host) => expect(isLoopbackHost(host)).toBe(true),
  );

  it.each([
    undefined,
    '',
    'evil.example',
    'evil.example:4566',
    'localhost.evil.example',
    'evil.localhost.example:80',
    '127.0.0.1.evil.example',
    'localhost:80:80',
    'localhost:',
    'user@localhost',
    '0.0.0.0:80',
    '192.168.1.4',
  ])('rejects %s', (host) => expect(isLoopbackHost(host)).toBe(false));

  it('accepts the address that the server listens on', () => {
    expect(isLoopbackHost('192.168.1.4:80', '192.168.1.4')).toBe(true);
    expect(isLoopbackHost('192.168.1.5:80', '192.168.1.4')).toBe(false);
  });
});

describe('findForeignHeader', () => {
  const host = 'localhost:4600';

  it.each([undefined, 'http://localhost:4600', 'http://localhost:3000', 'http://127.0.0.1:3000', 'http://[::1]'])(
    'accepts a loopback host with the origin %s',
    (origin) => expect(findForeignHeader({ host, origin })).toBeUndefined(),
  );

  it.each([
    'null',
    '',
    'localhost',
    'https://evil.example',
    'http://evil.example:4600',
    'http://localhost.evil.example',
    'http://localhost:4600/',
    'http://localhost@evil.example',
    'chrome-extension://localhost',
  ])('rejects the origin %j', (origin) => {
    expect(findForeignHeader({ host, origin })).toEqual({
      field: 'Origin',
      expected: 'none, or http:// with one of localhost, 127.0.0.1, [::1]',
    });
  });

  it.each([undefined, 'http://localhost:4600', 'http://evil.example'])(
    'rejects another host with the origin %s',
    (origin) => {
      expect(findForeignHeader({ host: 'evil.example', origin })).toEqual({
        field: 'Host',
        expected: 'one of localhost, 127.0.0.1, [::1]',
      });
    },
  );

  it('accepts and names the address that the server listens on', () => {
    const listenAddress = '192.168.1.4';
    const own = { host: '192.168.1.4:80', origin: 'http://192.168.1.4:80' };
    expect(findForeignHeader(own, listenAddress)).toBeUndefined();
    expect(findForeignHeader({ host: 'evil.example', origin: undefined }, listenAddress)?.expected).toContain(
      listenAddress,
    );
  });
});
