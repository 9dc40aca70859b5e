import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cliFor } from '../../test/cli.ts';
import { type Local, organizationId, startLocal } from '../../test/local.ts';
import { outbound } from '../../test/outbound.ts';

describe('livechat gate', () => {
  let local: Local;
  let cli: ReturnType<typeof cliFor>;
  beforeAll(async () => {
    local = await startLocal();
    cli = cliFor(local);
  });
  afterAll(() => local.stop());

  const stored = () => local.api('/api/gate').then(({ body }) => body);

  test('without a conversation there is no organization to act for', async () => {
    expect(await cli.json('gate', 'show')).toEqual({ ok: true, gates: [] });
    expect((await cli.run('gate', 'show')).stdout).toBe('No organization has a conversation yet.\n');
    const { code, stderr } = await cli.run('gate', 'pause');
    expect(code).toBe(2);
    expect(stderr).toContain('--organization is required: no organization has a conversation yet');
  });

  test('pauses, sets and resumes the gate of the only organization', async () => {
    await outbound(local).chat();
    await local.idle();
    expect(await cli.json('gate', 'show')).toMatchObject({
      gates: [{ organizationId, paused: false, breaker: 'closed', baseCallsPerSecond: 10 }],
    });
    expect(await cli.json('gate', 'pause')).toMatchObject({ ok: true, gate: { organizationId, paused: true } });
    expect(await stored()).toMatchObject({ gates: [{ paused: true }] });
    await cli.json('gate', 'set', '--calls-per-second', '5');
    expect(await stored()).toMatchObject({ gates: [{ paused: true, baseCallsPerSecond: 5 }] });
    const { code, stdout } = await cli.run('gate', 'resume', '--organization', organizationId.toUpperCase());
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^${organizationId} +on +closed +5 +5 `, 'm'));
    expect(await stored()).toMatchObject({ gates: [{ paused: false }] });
  });
});
