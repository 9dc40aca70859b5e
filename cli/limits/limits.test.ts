import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cliFor } from '../../test/cli.ts';
import { type Local, organizationId, startLocal } from '../../test/local.ts';
import { outbound } from '../../test/outbound.ts';

describe('livechat limits', () => {
  let local: Local;
  let cli: ReturnType<typeof cliFor>;
  beforeAll(async () => {
    local = await startLocal();
    cli = cliFor(local);
  });
  afterAll(() => local.stop());

  const stored = () => local.api('/api/rate-limits').then(({ body }) => body);

  test('without a conversation there is no organization to act for', async () => {
    expect(await cli.json('limits', 'show')).toEqual({ ok: true, rateLimits: [] });
    expect((await cli.run('limits', 'show')).stdout).toBe('No organization has a conversation yet.\n');
    const { code, stderr } = await cli.run('limits', 'pause');
    expect(code).toBe(2);
    expect(stderr).toContain('--organization is required: no organization has a conversation yet');
  });

  test('pauses, sets and resumes the only organization', async () => {
    await outbound(local).chat();
    await local.idle();
    expect(await cli.json('limits', 'show')).toMatchObject({
      rateLimits: [{ organizationId, paused: false, breaker: 'closed', baseCallsPerSecond: 10 }],
    });
    expect(await cli.json('limits', 'pause', '--yes')).toMatchObject({
      ok: true,
      rateLimit: { organizationId, paused: true },
    });
    expect(await stored()).toMatchObject({ rateLimits: [{ paused: true }] });
    await cli.json('limits', 'set', '--calls-per-second', '5');
    expect(await stored()).toMatchObject({ rateLimits: [{ paused: true, baseCallsPerSecond: 5 }] });
    const { code, stdout } = await cli.run('limits', 'resume', '--organization', organizationId.toUpperCase());
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^${organizationId} +on +closed +5 +5 `, 'm'));
    expect(await stored()).toMatchObject({ rateLimits: [{ paused: false }] });
  });
});
