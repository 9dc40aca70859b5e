import { describe, expect, it } from 'vitest';
import { apiCredentials, Credentials } from './credentials.ts';

const source = 'secret livechat/default';
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
    expect(apiCredentials({ current: { ...webhook, ...credentials }, source })).toEqual(expected);
  });

  it.each([
    [
      {},
      /^secret livechat\/default: LIVECHAT_API_KEY: expected a personal access token \(with LIVECHAT_ACCOUNT_ID\), or LIVECHAT_ACCESS_TOKEN/,
    ],
    [{ ...account }, /^secret livechat\/default: LIVECHAT_API_KEY: expected/],
    [{ ...key }, /^secret livechat\/default: LIVECHAT_ACCOUNT_ID: expected/],
    [
      { ...account, LIVECHAT_API_KEY: 'pat-secret\n' },
      /^secret livechat\/default: LIVECHAT_API_KEY: expected visible ASCII/,
    ],
    [
      { LIVECHAT_ACCESS_TOKEN: 'Bearer token-secret' },
      /^secret livechat\/default: LIVECHAT_ACCESS_TOKEN: expected visible ASCII/,
    ],
  ])('%j is refused by the setting’s name, never by its value', (credentials, message) => {
    const refused = expect(() => apiCredentials({ current: { ...webhook, ...credentials }, source }));
    refused.toThrow(expect.objectContaining({ name: 'ConfigurationError', message: expect.stringMatching(message) }));
    refused.not.toThrow(/pat-secret|token-secret/);
  });

  it('comes out of the secret', async () => {
    const text = JSON.stringify({ ...webhook, ...key, ...account });
    const read = async () => ({ text, createdAt: 0 });
    const secret = await new Credentials({ prefix: 'livechat', environment: {}, read }).of(undefined);
    expect(apiCredentials(secret)).toEqual(basic);
  });

  it('must be text in the secret', async () => {
    const text = JSON.stringify({ ...webhook, LIVECHAT_API_KEY: 12_345 });
    const read = async () => ({ text, createdAt: 0 });
    const credentials = new Credentials({ prefix: 'livechat', environment: {}, read });
    await expect(credentials.of(undefined)).rejects.toThrow('secret livechat/default: LIVECHAT_API_KEY: expected text');
  });
});
