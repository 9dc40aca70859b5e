import { describe, expect, it } from 'vitest';
import { sendingRules, storingRules } from './fetch.ts';

const carrierHosts = ['cdn.livechat-files.com'];

describe('the settings of downloads', () => {
  it('default to LiveChat’s hosts and 10 MB for storing, and any host for sending', () => {
    expect(storingRules(carrierHosts, {})).toEqual({
      hosts: carrierHosts,
      maxBytes: 10_485_760,
      timeoutMs: 30_000,
      simulatorUrl: undefined,
    });
    expect(sendingRules(10_000, {})).toEqual({ hosts: undefined, maxBytes: 10_485_760, timeoutMs: 10_000 });
  });

  it('can be changed', () => {
    const environment = {
      MEDIA_HOSTS: 'a.example, B.example',
      MEDIA_OUTBOUND_HOSTS: 'c.example',
      MEDIA_MAX_BYTES: '5',
    };
    expect(storingRules(carrierHosts, environment)).toMatchObject({ hosts: ['a.example', 'b.example'], maxBytes: 5 });
    expect(sendingRules(10_000, environment)).toMatchObject({ hosts: ['c.example'], maxBytes: 5 });
  });

  it.each([
    [{ MEDIA_HOSTS: 'https://a.example' }, /^MEDIA_HOSTS: expected host names/],
    [{ MEDIA_HOSTS: 'a.example,,b.example' }, /^MEDIA_HOSTS: expected host names/],
    [{ MEDIA_HOSTS: '*' }, /^MEDIA_HOSTS: expected host names/],
    [{ MEDIA_MAX_BYTES: '10 MB' }, /^MEDIA_MAX_BYTES: expected a whole number/],
    [{ MEDIA_MAX_BYTES: '0' }, /^MEDIA_MAX_BYTES: expected a whole number/],
  ])('are rejected if malformed: %j', (environment, message) => {
    expect(() => storingRules(carrierHosts, environment)).toThrow(message);
  });
});

describe('a simulator of LiveChat’s CDN', () => {
  const local = { AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' };

  it.each(['http://localhost:4600', 'http://127.0.0.1:4600/', 'http://[::1]:4600'])(
    'may be %s with a local engine',
    (url) => {
      expect(storingRules(carrierHosts, { ...local, MEDIA_SIMULATOR_URL: url }).simulatorUrl).toBe(new URL(url).origin);
    },
  );

  it.each([
    ['on AWS', { AWS_LAMBDA_FUNCTION_NAME: 'store-media' }],
    ['with another AWS endpoint', { AWS_ENDPOINT_URL: 'https://vpce.s3.us-east-1.amazonaws.com' }],
    ['with an endpoint whose name starts like a local one', { AWS_ENDPOINT_URL: 'http://localhost.evil.example' }],
    ['with an invalid endpoint', { AWS_ENDPOINT_URL: 'localhost' }],
  ])('is rejected %s', (_where, environment) => {
    const given = { MEDIA_SIMULATOR_URL: 'http://localhost:4600', ...environment };
    expect(() => storingRules(carrierHosts, given)).toThrow(/^MEDIA_SIMULATOR_URL: expected not to be set/);
  });

  it.each(['http://10.0.0.1', 'https://localhost:4600', 'file:///etc', 'http://169.254.169.254', 'here'])(
    'must be local: %s',
    (url) => {
      const given = { ...local, MEDIA_SIMULATOR_URL: url };
      expect(() => storingRules(carrierHosts, given)).toThrow(
        /^MEDIA_SIMULATOR_URL: expected the address of a simulator/,
      );
    },
  );
});
