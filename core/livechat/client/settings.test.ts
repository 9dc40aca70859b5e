import { describe, expect, it } from 'vitest';
import type { ApiCredentials } from '../credentials.ts';
import { createLiveChatClient } from './client.ts';

const credentials: ApiCredentials = { kind: 'basic', accountId: 'account-1', apiKey: 'pat-1' };

describe('a setting', () => {
  const create = (baseUrl: string, version: string) => createLiveChatClient({ credentials, baseUrl, version });

  it.each(['latest', '3', 'v3.6/../..', ''])('for the version such as %j is refused by name', (version) => {
    expect(() => create('https://api.livechatinc.com', version)).toThrow(
      'LIVECHAT_API_VERSION: expected a version such as v3.6',
    );
  });

  it.each(['api.livechatinc.com', 'ftp://api.livechatinc.com', ''])(
    'for the address such as %j is refused by name',
    (url) => {
      expect(() => create(url, 'v3.6')).toThrow('LIVECHAT_API_BASE_URL: expected an address such as');
    },
  );

  it('for the address may have a path and end in a slash', async () => {
    const paths: string[] = [];
    const client = createLiveChatClient({
      credentials,
      baseUrl: 'https://gateway.example/livechat/',
      version: 'v3.6',
      fetchLike: async ({ url }) => {
        paths.push(url);
        return { status: 200, headers: {}, body: '' };
      },
    });
    await client.deactivateChat({ id: 'T8RM2K0V9X' });
    expect(paths).toEqual(['https://gateway.example/livechat/v3.6/agent/action/deactivate_chat']);
  });
});
