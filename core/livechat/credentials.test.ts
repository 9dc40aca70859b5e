import { describe, expect, it } from 'vitest';
import { organizationId } from '../../test/arbitraries.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import type { SecretStage } from '../platform/secrets-manager.ts';
import { Credentials, selectApiCredentials } from './credentials.ts';
import { acceptedSecrets } from './webhook.ts';

describe('Credentials', () => {
  const own = `livechat/${organizationId}`;
  const fallback = 'livechat/default';
  const minute = 60_000;
  const day = 24 * 60 * minute;
  const secretText = (secret: unknown) => JSON.stringify({ LIVECHAT_WEBHOOK_SECRET: secret });

  /** Secrets Manager, with its versions, its outages and a clock that only tests move. */
  function vault(given: Readonly<Record<string, string>>, environment: Readonly<Record<string, string>> = {}) {
    const versions = new Map<string, { text: string; createdAt: number }>();
    const reads: string[] = [];
    const state = { now: 1_000_000, away: false, strict: false };
    const credentials = new Credentials({
      prefix: 'livechat',
      environment,
      now: () => state.now,
      read: async (name: string, stage: SecretStage) => {
        reads.push(`${name} ${stage}`);
        if (state.away) throw new Error('Secrets Manager is away');
        const version = versions.get(`${name} ${stage}`);
        if (state.strict && !version)
          throw Object.assign(new Error('not authorized'), { name: 'AccessDeniedException' });
        return version;
      },
    });
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
      /** The secrets that count now for the organization. */
      accepted: async () => acceptedSecrets(await credentials.get(organizationId), state.now),
      reread: async () => {
        const secret = await credentials.refresh(organizationId);
        return secret && acceptedSecrets(secret, state.now);
      },
      /** What was read since this was last asked. */
      reads: () => reads.splice(0),
    };
  }

  describe('the secret of an organization', () => {
    const environment = { LIVECHAT_WEBHOOK_SECRET: 'of-environment' };

    it.each([
      ['its own', { [own]: 'its-own-secret', [fallback]: 'default-secret' }, environment, 'its-own-secret'],
      ['else the default one', { [fallback]: 'default-secret' }, environment, 'default-secret'],
      ['else the environment’s', {}, environment, 'of-environment'],
    ])('is %s', async (_whose, secrets, env, secret) => {
      expect(await vault(secrets, env).accepted()).toEqual([secret]);
    });

    it('is the default one, too, where AWS denies what is not there', async () => {
      const { accepted, state } = vault({ [fallback]: 'default-secret' });
      state.strict = true;
      expect(await accepted()).toEqual(['default-secret']);
    });

    it('is nobody else’s where AWS denies the default one, or one that was read before', async () => {
      const strict = vault({});
      strict.state.strict = true;
      await expect(strict.accepted()).rejects.toThrow('not authorized');
      const known = vault({ [own]: 'its-own-secret', [fallback]: 'default-secret' });
      expect(await known.accepted()).toEqual(['its-own-secret']);
      known.remove(own);
      known.state.strict = true;
      known.state.now += 10 * minute;
      expect(await known.accepted()).toEqual(['its-own-secret']);
    });

    it('is asked for under the id in lower case', async () => {
      const { credentials, reads } = vault({ [own]: 'its-own-secret' });
      await credentials.get(organizationId.toUpperCase());
      expect(reads()).toEqual([`${own} AWSCURRENT`]);
    });

    it.each([
      ['there is none at all', {}],
      ['it was created empty', { [fallback]: '' }],
      ['it holds an empty object', { [fallback]: '{}' }],
      ['its fields are empty', { [fallback]: '{"LIVECHAT_WEBHOOK_SECRET":"","LIVECHAT_API_KEY":""}' }],
      ['its fields have other names', { [fallback]: '{"secret":"swordfish-42"}' }],
    ])('is missed where %s, by its name and by the fields to fill', async (_how, secrets: Record<string, string>) => {
      const { accepted, put } = vault({});
      for (const [name, text] of Object.entries(secrets)) put(name, text);
      const message = await accepted().catch(({ message }: Error) => message);
      expect(message).toMatch(/^secret livechat\/default is not filled: expected a JSON object/);
      for (const field of ['WEBHOOK_SECRET', 'AGENT_ID', 'API_KEY', 'ACCOUNT_ID', 'ACCESS_TOKEN'])
        expect(message).toContain(`LIVECHAT_${field}`);
      expect(message).not.toContain('swordfish');
    });

    it('is missed by its field where it is filled in part, or the environment’s is too short', async () => {
      const inPart = vault({});
      inPart.put(fallback, '{"LIVECHAT_API_KEY":"pat"}');
      await expect(inPart.accepted()).rejects.toThrow(
        new ConfigurationError('secret livechat/default: LIVECHAT_WEBHOOK_SECRET', 'at least 8 characters'),
      );
      await expect(vault({}, { LIVECHAT_WEBHOOK_SECRET: 'short' }).accepted()).rejects.toThrow(
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
    ])('named by %j, which is no UUID, is the default one, and the id is never read', async (id) => {
      const { credentials, reads } = vault({ [fallback]: 'default-secret' });
      expect(await credentials.get(id)).toMatchObject({ current: { LIVECHAT_WEBHOOK_SECRET: 'default-secret' } });
      await credentials.refresh(id);
      expect(new Set(reads().map((read) => read.split(' ')[0]))).toEqual(new Set([fallback]));
    });
  });

  describe('a secret once read', () => {
    it.each([
      [0, []],
      [5 * minute - 1, []],
      [5 * minute, [`${own} AWSCURRENT`]],
    ])('after %i ms costs the reads %j', async (ms, expected) => {
      const { state, reads, accepted } = vault({ [own]: 'its-own-secret' });
      await accepted();
      reads();
      state.now += ms;
      await accepted();
      expect(reads()).toEqual(expected);
    });

    it.each([
      [minute - 1, []],
      [minute, [`${own} AWSCURRENT`]],
    ])('as absent costs after %i ms the reads %j', async (ms, expected) => {
      const { state, reads, accepted } = vault({ [fallback]: 'default-secret' });
      await accepted();
      reads();
      state.now += ms;
      await accepted();
      expect(reads()).toEqual(expected);
    });

    it('is read once for calls that come together', async () => {
      const { reads, accepted, reread, state } = vault({ [own]: 'its-own-secret' });
      const all = await Promise.all(Array.from({ length: 20 }, () => accepted()));
      expect(all).toEqual(Array.from({ length: 20 }, () => ['its-own-secret']));
      expect(reads()).toEqual([`${own} AWSCURRENT`]);
      state.now += minute;
      await Promise.all(Array.from({ length: 20 }, reread));
      expect(reads().sort()).toEqual([`${own} AWSCURRENT`, `${own} AWSPREVIOUS`]);
    });
  });

  describe('reading again after a failed verification', () => {
    it.each([
      [0, []],
      [29_999, []],
      [30_000, [`${own} AWSCURRENT`, `${own} AWSPREVIOUS`]],
    ])('is done %i ms after the last time: %j', async (ms, expected) => {
      const { state, accepted, reread, reads } = vault({ [own]: 'its-own-secret' });
      await accepted();
      expect(await reread()).toEqual(['its-own-secret']);
      state.now += ms;
      reads();
      expect(await reread()).toEqual(['its-own-secret']);
      expect(reads()).toEqual(expected);
    });

    it('is known to calls that failed at the same time, and to one that was checked before it', async () => {
      const { put, accepted, reread } = vault({ [own]: 'its-own-secret' });
      await accepted();
      put(own, secretText('rotated-secret'));
      const both = ['rotated-secret', 'its-own-secret'];
      expect(await Promise.all([reread(), reread()])).toEqual([both, both]);
      expect(await reread()).toEqual(both);
    });

    it('finds a secret that was rotated a moment ago, and still the one before it', async () => {
      const { put, accepted, reread } = vault({ [own]: 'its-own-secret' });
      await accepted();
      put(own, secretText('rotated-secret'));
      expect(await accepted()).toEqual(['its-own-secret']);
      expect(await reread()).toEqual(['rotated-secret', 'its-own-secret']);
      expect(await accepted()).toEqual(['rotated-secret', 'its-own-secret']);
    });

    it('never takes the default secret for that of an organization with its own', async () => {
      const { credentials, state, accepted, reread } = vault({ [own]: 'its-own-secret', [fallback]: 'default-secret' });
      await credentials.get(undefined);
      await accepted();
      state.now += minute;
      expect(await reread()).toEqual(['its-own-secret']);
      expect(await reread()).toEqual(['its-own-secret']);
    });

    it('finds the secret although the version before it was malformed', async () => {
      const { put, accepted, reread } = vault({ [own]: 'its-own-secret' });
      await accepted();
      put(own, '{"LIVECHAT_WEBHOOK_SECERT":"misspelt"}');
      put(own, secretText('rotated-secret'));
      expect(await reread()).toEqual(['rotated-secret']);
    });
  });

  describe('the secret before a rotation', () => {
    it.each([
      ['counts', day - 1, ['rotated-secret', 'its-own-secret']],
      ['counts no more', day, ['rotated-secret']],
    ])('%s %i ms after it, whenever this process began', async (_what, ms, expected) => {
      const { state, put, accepted, reread } = vault({ [own]: 'its-own-secret' });
      put(own, secretText('rotated-secret'));
      state.now += ms;
      await accepted();
      expect(await reread()).toEqual(expected);
    });

    it('is kept when the secret is read afresh', async () => {
      const { state, put, accepted, reread } = vault({ [own]: 'its-own-secret' });
      put(own, secretText('rotated-secret'));
      await accepted();
      await reread();
      state.now += 5 * minute;
      expect(await accepted()).toEqual(['rotated-secret', 'its-own-secret']);
    });
  });

  describe('while secrets cannot be read', () => {
    it('the last one known is used', async () => {
      const { state, accepted } = vault({ [own]: 'its-own-secret' });
      await accepted();
      state.now += day;
      state.away = true;
      expect(await accepted()).toEqual(['its-own-secret']);
    });

    it('the default one last known is used for organizations that had none of their own', async () => {
      const { state, accepted } = vault({ [fallback]: 'default-secret' });
      await accepted();
      state.now += 2 * minute;
      state.away = true;
      expect(await accepted()).toEqual(['default-secret']);
    });

    it('an organization of which nothing is known yet is refused with the error', async () => {
      const { state, accepted } = vault({ [own]: 'its-own-secret' }, { LIVECHAT_WEBHOOK_SECRET: 'of-environment' });
      state.away = true;
      await expect(accepted()).rejects.toThrow('Secrets Manager is away');
    });

    it('the failure is not remembered', async () => {
      const { state, accepted } = vault({ [own]: 'its-own-secret' });
      state.away = true;
      await expect(accepted()).rejects.toThrow();
      state.away = false;
      expect(await accepted()).toEqual(['its-own-secret']);
    });
  });

  describe('a malformed secret', () => {
    const fields = (values: object) => JSON.stringify({ LIVECHAT_WEBHOOK_SECRET: 'long-enough', ...values });

    it.each([
      ['sensitive', `secret ${own}: expected a JSON object with LIVECHAT_WEBHOOK_SECRET`],
      ['"sensitive"', `secret ${own} is not filled: expected a JSON object with LIVECHAT_WEBHOOK_SECRET`],
      ['{"WEBHOOK_SECRET":"sensitive"}', `secret ${own} is not filled: expected a JSON object`],
      [secretText('sensi'), `secret ${own}: LIVECHAT_WEBHOOK_SECRET: expected at least 8 characters`],
      [secretText(12_345_678), `secret ${own}: LIVECHAT_WEBHOOK_SECRET: expected at least 8 characters`],
      [fields({ LIVECHAT_CLIENT_ID: ['sensitive'] }), `secret ${own}: LIVECHAT_CLIENT_ID: expected text`],
      [fields({ LIVECHAT_AGENT_ID: { sensitive: 1 } }), `secret ${own}: LIVECHAT_AGENT_ID: expected text`],
    ])('%j is named by its field, never by its value', async (text, message) => {
      const { put, accepted } = vault({});
      put(own, text);
      const error = await accepted().catch((error: unknown) => error);
      expect(error).toMatchObject({ name: 'ConfigurationError', message: expect.stringContaining(message) });
      expect(String(error)).not.toContain('sensitive');
    });
  });
});

describe('selectApiCredentials', () => {
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
      expect(selectApiCredentials({ current: { ...webhook, ...credentials }, source })).toEqual(expected);
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
      const refused = expect(() => selectApiCredentials({ current: { ...webhook, ...credentials }, source }));
      refused.toThrow(expect.objectContaining({ name: 'ConfigurationError', message: expect.stringMatching(message) }));
      refused.not.toThrow(/pat-secret|token-secret/);
    });

    it('comes out of the secret', async () => {
      const text = JSON.stringify({ ...webhook, ...key, ...account });
      const read = async () => ({ text, createdAt: 0 });
      const secret = await new Credentials({ prefix: 'livechat', environment: {}, read }).get(undefined);
      expect(selectApiCredentials(secret)).toEqual(basic);
    });

    it('must be text in the secret', async () => {
      const text = JSON.stringify({ ...webhook, LIVECHAT_API_KEY: 12_345 });
      const read = async () => ({ text, createdAt: 0 });
      const credentials = new Credentials({ prefix: 'livechat', environment: {}, read });
      await expect(credentials.get(undefined)).rejects.toThrow(
        'secret livechat/default: LIVECHAT_API_KEY: expected text',
      );
    });
  });
});
