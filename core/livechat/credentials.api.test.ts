import { describe, expect, it } from 'vitest';
import { apiCredentials, Credentials } from './credentials.ts';

const webhook = { LIVECHAT_WEBHOOK_SECRET: 'long-enough' };
const key = { LIVECHAT_API_KEY: 'pat-secret' };
const account = { LIVECHAT_ACCOUNT_ID: '1f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b55' };
const token = { LIVECHAT_ACCESS_TOKEN: 'dal:token-secret' };

describe('how LiveChat is called', () => {
  const basic = { kind: 'basic', accountId: account.LIVECHAT_ACCOUNT_ID, apiKey: 'pat-secret' };
  const bearer = { kind: 'bearer', accessToken: 'dal:token-secret' };

  it.each([
    [{ ...key, ...account }, basic],
    [{ ...key, ...account, ...token }, basic],
    [{ ...token }, bearer],
    [{ ...token, ...key }, bearer],
    [{ ...token, ...key, LIVECHAT_ACCOUNT_ID: '' }, bearer],
  ])('%j', (credentials, expected) => {
    expect(apiCredentials({ ...webhook, ...credentials })).toEqual(expected);
  });

  it.each([
    [{}, /^LIVECHAT_API_KEY: expected a personal access token \(with LIVECHAT_ACCOUNT_ID\), or LIVECHAT_ACCESS_TOKEN/],
    [{ ...account }, /^LIVECHAT_API_KEY: expected/],
    [{ ...key }, /^LIVECHAT_ACCOUNT_ID: expected/],
    [{ ...account, LIVECHAT_API_KEY: 'pat-secret\n' }, /^LIVECHAT_API_KEY: expected visible ASCII/],
    [{ LIVECHAT_ACCESS_TOKEN: 'Bearer token-secret' }, /^LIVECHAT_ACCESS_TOKEN: expected visible ASCII/],
  ])('%j is refused by the setting’s name, never by its value', (credentials, message) => {
    const refused = expect(() => apiCredentials({ ...webhook, ...credentials }));
    refused.toThrow(expect.objectContaining({ name: 'ConfigurationError', message: expect.stringMatching(message) }));
    refused.not.toThrow(/secret/);
  });

  it('comes out of the secret', async () => {
    const text = JSON.stringify({ ...webhook, ...key, ...account });
    const read = async () => ({ text, createdAt: 0 });
    const { current } = await new Credentials({ prefix: 'livechat', environment: {}, read }).of(undefined);
    expect(apiCredentials(current)).toEqual(basic);
  });

  it('must be text in the secret', async () => {
    const text = JSON.stringify({ ...webhook, LIVECHAT_API_KEY: 12_345 });
    const read = async () => ({ text, createdAt: 0 });
    const credentials = new Credentials({ prefix: 'livechat', environment: {}, read });
    await expect(credentials.of(undefined)).rejects.toThrow('secret livechat/default: LIVECHAT_API_KEY: expected text');
  });
});
