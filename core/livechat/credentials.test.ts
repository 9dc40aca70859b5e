import { describe, expect, it } from 'vitest';
import { organizationId } from '../../test/arbitraries.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import type { SecretStage } from '../platform/secrets-manager.ts';
import { authorization, Credentials } from './credentials.ts';
import { acceptedSecrets } from './webhook.ts';

describe('Credentials', () => {
  const own = `livechat/${organizationId}`;
  const fallback = 'livechat/default';
  const minute = 60_000;
  const day = 24 * 60 * minute;
  const secretText = (secret: unknown) => JSON.stringify({ LIVECHAT_WEBHOOK_SECRET: secret });

  /** A fake Secrets Manager with versions, outages and a clock. */
  function fakeSecrets(given: Readonly<Record<string, string>>, environment: Readonly<Record<string, string>> = {}) {
    const versions = new Map<string, { text: string; createdAt: number }>();
    const reads: string[] = [];
    const state = { now: 1_000_000, unavailable: false, accessDenied: false };
    const credentials = new Credentials(
      { SECRET_PREFIX: 'livechat', ...environment },
      {
        now: () => state.now,
        read: async (name: string, stage: SecretStage) => {
          reads.push(`${name} ${stage}`);
          if (state.unavailable) throw new Error('Secrets Manager is unavailable');
          const version = versions.get(`${name} ${stage}`);
          if (state.accessDenied && !version)
            throw Object.assign(new Error('not authorized'), { name: 'AccessDeniedException' });
          return version;
        },
      },
    );
    const put = (name: string, text: string) => {
      const current = versions.get(`${name} AWSCURRENT`);
      if (current) versions.set(`${name} AWSPREVIOUS`, current);
      versions.set(`${name} AWSCURRENT`, { text, createdAt: state.now });
    };
    for (const [name, secret] of Object.entries(given)) put(name, secretText(secret));
    return {
      credentials,
      state,
      put,
      remove: (name: string) => versions.delete(`${name} AWSCURRENT`),
      /** The webhook secrets accepted for the organization now. */
      accepted: async () => acceptedSecrets(await credentials.get(organizationId)),
      refresh: async () => {
        const secret = await credentials.refresh(organizationId);
        return secret && acceptedSecrets(secret);
      },
      /** The reads since the last call. */
      reads: () => reads.splice(0),
    };
  }

  describe('get', () => {
    const environment = { LIVECHAT_WEBHOOK_SECRET: 'of-environment' };

    it.each([
      [
        'the organization’s secret',
        { [own]: 'its-own-secret', [fallback]: 'default-secret' },
        environment,
        'its-own-secret',
      ],
      [
        'the default secret if the organization has none',
        { [fallback]: 'default-secret' },
        environment,
        'default-secret',
      ],
      ['the environment’s secret if no secret exists', {}, environment, 'of-environment'],
    ])('returns %s', async (_source, secrets, env, secret) => {
      expect(await fakeSecrets(secrets, env).accepted()).toEqual([secret]);
    });

    it('returns the default secret if AWS denies access to a missing one', async () => {
      const { accepted, state } = fakeSecrets({ [fallback]: 'default-secret' });
      state.accessDenied = true;
      expect(await accepted()).toEqual(['default-secret']);
    });

    it('does not fall back if AWS denies access to the default secret or to one read before', async () => {
      const denied = fakeSecrets({});
      denied.state.accessDenied = true;
      await expect(denied.accepted()).rejects.toThrow('not authorized');
      const cached = fakeSecrets({ [own]: 'its-own-secret', [fallback]: 'default-secret' });
      expect(await cached.accepted()).toEqual(['its-own-secret']);
      cached.remove(own);
      cached.state.accessDenied = true;
      cached.state.now += 10 * minute;
      expect(await cached.accepted()).toEqual(['its-own-secret']);
    });

    it('reads the secret under the lower-case id', async () => {
      const { credentials, reads } = fakeSecrets({ [own]: 'its-own-secret' });
      await credentials.get(organizationId.toUpperCase());
      expect(reads()).toEqual([`${own} AWSCURRENT`]);
    });

    it.each([
      ['no secret exists', {}],
      ['the secret is empty', { [fallback]: '' }],
      ['the secret is an empty object', { [fallback]: '{}' }],
      ['its fields are empty', { [fallback]: '{"LIVECHAT_WEBHOOK_SECRET":"","LIVECHAT_API_KEY":""}' }],
      ['no field has a known name', { [fallback]: '{"secret":"swordfish-42"}' }],
    ])('reports the secret name and the required fields if %s', async (_case, secrets: Record<string, string>) => {
      const { accepted, put } = fakeSecrets({});
      for (const [name, text] of Object.entries(secrets)) put(name, text);
      const message = await accepted().catch(({ message }: Error) => message);
      expect(message).toMatch(/^secret livechat\/default is not filled: expected a JSON object/);
      for (const field of ['WEBHOOK_SECRET', 'AGENT_ID', 'API_KEY', 'ACCOUNT_ID', 'ACCESS_TOKEN'])
        expect(message).toContain(`LIVECHAT_${field}`);
      expect(message).not.toContain('swordfish');
    });

    it('reports the field if the secret is incomplete or the environment’s is too short', async () => {
      const incomplete = fakeSecrets({});
      incomplete.put(fallback, '{"LIVECHAT_API_KEY":"pat"}');
      await expect(incomplete.accepted()).rejects.toThrow(
        new ConfigurationError('secret livechat/default: LIVECHAT_WEBHOOK_SECRET', 'at least 8 characters'),
      );
      await expect(fakeSecrets({}, { LIVECHAT_WEBHOOK_SECRET: 'short' }).accepted()).rejects.toThrow(
        new ConfigurationError('environment: LIVECHAT_WEBHOOK_SECRET', 'at least 8 characters'),
      );
    });

    it.each([
      undefined,
      '',
      'default',
      '../prod/default',
      `../${organizationId}`,
      `${organizationId}/..`,
      `${organizationId}\n`,
    ])('returns the default secret for %j, which is not a UUID, without reading that name', async (id) => {
      const { credentials, reads } = fakeSecrets({ [fallback]: 'default-secret' });
      expect(await credentials.get(id)).toMatchObject({ current: { LIVECHAT_WEBHOOK_SECRET: 'default-secret' } });
      await credentials.refresh(id);
      expect(new Set(reads().map((read) => read.split(' ')[0]))).toEqual(new Set([fallback]));
    });
  });

  describe('caching', () => {
    it.each([
      [0, []],
      [5 * minute - 1, []],
      [5 * minute, [`${own} AWSCURRENT`]],
    ])('a secret read %i ms ago causes the reads %j', async (ms, expected) => {
      const { state, reads, accepted } = fakeSecrets({ [own]: 'its-own-secret' });
      await accepted();
      reads();
      state.now += ms;
      await accepted();
      expect(reads()).toEqual(expected);
    });

    it.each([
      [minute - 1, []],
      [minute, [`${own} AWSCURRENT`]],
    ])('a secret found missing %i ms ago causes the reads %j', async (ms, expected) => {
      const { state, reads, accepted } = fakeSecrets({ [fallback]: 'default-secret' });
      await accepted();
      reads();
      state.now += ms;
      await accepted();
      expect(reads()).toEqual(expected);
    });

    it('keeps secrets that exist, however many organizations have none', async () => {
      const { credentials, reads, accepted } = fakeSecrets({ [own]: 'its-own-secret', [fallback]: 'default-secret' });
      const [first, ...others] = Array.from({ length: 20_001 }, () => crypto.randomUUID());
      await accepted();
      await credentials.get(first);
      for (const id of others) await credentials.get(id);
      reads();
      await accepted();
      await credentials.get(undefined);
      await credentials.get(others[0]);
      expect(reads()).toEqual([]);
      await credentials.get(first);
      expect(reads()).toEqual([`livechat/${first} AWSCURRENT`]);
    });

    it('reads once for concurrent calls', async () => {
      const { reads, accepted, refresh, state } = fakeSecrets({ [own]: 'its-own-secret' });
      const all = await Promise.all(Array.from({ length: 20 }, () => accepted()));
      expect(all).toEqual(Array.from({ length: 20 }, () => ['its-own-secret']));
      expect(reads()).toEqual([`${own} AWSCURRENT`]);
      state.now += minute;
      await Promise.all(Array.from({ length: 20 }, refresh));
      expect(reads().sort()).toEqual([`${own} AWSCURRENT`, `${own} AWSPREVIOUS`]);
    });
  });

  describe('refresh', () => {
    it.each([
      [0, []],
      [29_999, []],
      [30_000, [`${own} AWSCURRENT`, `${own} AWSPREVIOUS`]],
    ])('%i ms after the previous refresh causes the reads %j', async (ms, expected) => {
      const { state, accepted, refresh, reads } = fakeSecrets({ [own]: 'its-own-secret' });
      await accepted();
      expect(await refresh()).toEqual(['its-own-secret']);
      state.now += ms;
      reads();
      expect(await refresh()).toEqual(['its-own-secret']);
      expect(reads()).toEqual(expected);
    });

    it('returns the rotated secret to concurrent calls and to a call within 30 s', async () => {
      const { put, accepted, refresh } = fakeSecrets({ [own]: 'its-own-secret' });
      await accepted();
      put(own, secretText('rotated-secret'));
      const both = ['rotated-secret', 'its-own-secret'];
      expect(await Promise.all([refresh(), refresh()])).toEqual([both, both]);
      expect(await refresh()).toEqual(both);
    });

    it('returns a secret that was just rotated, and the previous one', async () => {
      const { put, accepted, refresh } = fakeSecrets({ [own]: 'its-own-secret' });
      await accepted();
      put(own, secretText('rotated-secret'));
      expect(await accepted()).toEqual(['its-own-secret']);
      expect(await refresh()).toEqual(['rotated-secret', 'its-own-secret']);
      expect(await accepted()).toEqual(['rotated-secret', 'its-own-secret']);
    });

    it('does not return the default secret for an organization with its own', async () => {
      const { credentials, state, accepted, refresh } = fakeSecrets({
        [own]: 'its-own-secret',
        [fallback]: 'default-secret',
      });
      await credentials.get(undefined);
      await accepted();
      state.now += minute;
      expect(await refresh()).toEqual(['its-own-secret']);
      expect(await refresh()).toEqual(['its-own-secret']);
    });

    it('ignores a malformed previous version', async () => {
      const { put, accepted, refresh } = fakeSecrets({ [own]: 'its-own-secret' });
      await accepted();
      put(own, '{"LIVECHAT_WEBHOOK_SECERT":"misspelt"}');
      put(own, secretText('rotated-secret'));
      expect(await refresh()).toEqual(['rotated-secret']);
    });
  });

  describe('previous secret', () => {
    it.each([
      ['is accepted', day - 1, ['rotated-secret', 'its-own-secret']],
      ['is not accepted', day, ['rotated-secret']],
    ])('%s %i ms after the rotation, also by a process started later', async (_what, ms, expected) => {
      const { state, put, accepted, refresh } = fakeSecrets({ [own]: 'its-own-secret' });
      put(own, secretText('rotated-secret'));
      state.now += ms;
      await accepted();
      expect(await refresh()).toEqual(expected);
    });

    it('is kept when the cache expires', async () => {
      const { state, put, accepted, refresh } = fakeSecrets({ [own]: 'its-own-secret' });
      put(own, secretText('rotated-secret'));
      await accepted();
      await refresh();
      state.now += 5 * minute;
      expect(await accepted()).toEqual(['rotated-secret', 'its-own-secret']);
    });

    it('expires in the cache', async () => {
      const { state, put, accepted, refresh } = fakeSecrets({ [own]: 'its-own-secret' });
      put(own, secretText('rotated-secret'));
      await accepted();
      await refresh();
      state.now += day;
      state.unavailable = true;
      expect(await accepted()).toEqual(['rotated-secret']);
    });
  });

  describe('outage of Secrets Manager', () => {
    it('returns the cached secret', async () => {
      const { state, accepted } = fakeSecrets({ [own]: 'its-own-secret' });
      await accepted();
      state.now += day;
      state.unavailable = true;
      expect(await accepted()).toEqual(['its-own-secret']);
    });

    it('returns the cached default secret to an organization without its own', async () => {
      const { state, accepted } = fakeSecrets({ [fallback]: 'default-secret' });
      await accepted();
      state.now += 2 * minute;
      state.unavailable = true;
      expect(await accepted()).toEqual(['default-secret']);
    });

    it('rejects with the error if nothing is cached', async () => {
      const { state, accepted } = fakeSecrets(
        { [own]: 'its-own-secret' },
        { LIVECHAT_WEBHOOK_SECRET: 'of-environment' },
      );
      state.unavailable = true;
      await expect(accepted()).rejects.toThrow('Secrets Manager is unavailable');
    });

    it('does not cache the failure', async () => {
      const { state, accepted } = fakeSecrets({ [own]: 'its-own-secret' });
      state.unavailable = true;
      await expect(accepted()).rejects.toThrow();
      state.unavailable = false;
      expect(await accepted()).toEqual(['its-own-secret']);
    });
  });

  describe('malformed secret', () => {
    const fields = (values: object) => JSON.stringify({ LIVECHAT_WEBHOOK_SECRET: 'long-enough', ...values });

    it.each([
      ['sensitive', `secret ${own}: expected a JSON object with LIVECHAT_WEBHOOK_SECRET`],
      ['"sensitive"', `secret ${own} is not filled: expected a JSON object with LIVECHAT_WEBHOOK_SECRET`],
      ['{"WEBHOOK_SECRET":"sensitive"}', `secret ${own} is not filled: expected a JSON object`],
      [secretText('sensi'), `secret ${own}: LIVECHAT_WEBHOOK_SECRET: expected at least 8 characters`],
      [secretText(12_345_678), `secret ${own}: LIVECHAT_WEBHOOK_SECRET: expected at least 8 characters`],
      [fields({ LIVECHAT_CLIENT_ID: ['sensitive'] }), `secret ${own}: LIVECHAT_CLIENT_ID: expected text`],
      [fields({ LIVECHAT_AGENT_ID: { sensitive: 1 } }), `secret ${own}: LIVECHAT_AGENT_ID: expected text`],
    ])('reports the field of %j, never the value', async (text, message) => {
      const { put, accepted } = fakeSecrets({});
      put(own, text);
      const error = await accepted().catch((error: unknown) => error);
      expect(error).toMatchObject({ name: 'ConfigurationError', message: expect.stringContaining(message) });
      expect(String(error)).not.toContain('sensitive');
    });
  });
});

describe('authorization', () => {
  const source = 'secret livechat/default';
  const webhook = { LIVECHAT_WEBHOOK_SECRET: 'long-enough' };
  const key = { LIVECHAT_API_KEY: 'pat-secret' };
  const account = { LIVECHAT_ACCOUNT_ID: '1f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b55' };
  const token = { LIVECHAT_ACCESS_TOKEN: 'dal:token-secret' };

  const basic = `Basic ${btoa(`${account.LIVECHAT_ACCOUNT_ID}:pat-secret`)}`;
  const bearer = 'Bearer dal:token-secret';

  it.each([
    [{ ...key, ...account }, basic],
    [{ ...key, ...account, ...token }, basic],
    [{ ...token }, bearer],
    [{ ...token, ...key }, bearer],
    [{ ...token, ...key, LIVECHAT_ACCOUNT_ID: '' }, bearer],
  ])('of %j is %s', (credentials, expected) => {
    expect(authorization({ current: { ...webhook, ...credentials }, source })).toBe(expected);
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
  ])('rejects %j with the name of the setting, never the value', (credentials, message) => {
    const select = expect(() => authorization({ current: { ...webhook, ...credentials }, source }));
    select.toThrow(expect.objectContaining({ name: 'ConfigurationError', message: expect.stringMatching(message) }));
    select.not.toThrow(/pat-secret|token-secret/);
  });

  it('is read from the secret', async () => {
    const text = JSON.stringify({ ...webhook, ...key, ...account });
    const read = async () => ({ text, createdAt: 0 });
    const secret = await new Credentials({ SECRET_PREFIX: 'livechat' }, { read }).get(undefined);
    expect(authorization(secret)).toBe(basic);
  });

  it('rejects a value that is not text', async () => {
    const text = JSON.stringify({ ...webhook, LIVECHAT_API_KEY: 12_345 });
    const read = async () => ({ text, createdAt: 0 });
    const credentials = new Credentials({ SECRET_PREFIX: 'livechat' }, { read });
    await expect(credentials.get(undefined)).rejects.toThrow(
      'secret livechat/default: LIVECHAT_API_KEY: expected text',
    );
  });
});
