import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cliFor } from '../test/cli.ts';
import { type Local, organizationId, pollOptions, startLocal } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';
import { startInTerminal } from '../test/terminal.ts';

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
    expect(await cli.json('limits', 'set', '--calls-per-second', '5')).toMatchObject({
      rateLimit: { organizationId, baseCallsPerSecond: 5, callsPerSecond: 5 },
    });
    expect(await stored()).toMatchObject({ rateLimits: [{ paused: true, baseCallsPerSecond: 5 }] });
    const { code, stdout } = await cli.run('limits', 'resume', '--organization', organizationId.toUpperCase());
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^${organizationId} +on +closed +5 +5 `, 'm'));
    expect(await stored()).toMatchObject({ rateLimits: [{ paused: false }] });
  });

  test('asks before it pauses, and only then', async () => {
    const asked = await cli.run('limits', 'pause');
    expect(asked.code).toBe(2);
    expect(asked.stderr).toContain('add --yes');
    expect(await stored()).toMatchObject({ rateLimits: [{ paused: false }] });
    const session = startInTerminal(['limits', 'pause'], { environment: { AWS_ENDPOINT_URL: local.aws } });
    await expect.poll(session.shown, pollOptions).toContain(`Pause sending and routing of ${organizationId}?`);
    expect(await stored()).toMatchObject({ rateLimits: [{ paused: false }] });
    session.type('y');
    expect(await session.ended).toBe(0);
    expect(session.shown()).toMatch(/ paused +closed /);
    expect((await cli.run('limits', 'resume')).code).toBe(0);
  });

  test('shows why the circuit breaker is open, and closes it', async () => {
    const bus = outbound(local);
    const chatId = await bus.chat();
    await bus.fault({ kind: 'expired-token', method: 'send_event', count: 2 });
    await bus.send(chatId);
    await expect
      .poll(async () => (await cli.run('limits', 'show')).stdout, pollOptions)
      .toMatch(/ on +open: credentials, the first call after \d{4}-\d\d-\d\dT\S+ is a probe call /);
    expect(await cli.json('limits', 'resume')).toMatchObject({ rateLimit: { breaker: 'closed', paused: false } });
  });

  test.each([
    [['set'], '--calls-per-second'],
    [['set', '--calls-per-second', '0.05'], '--calls-per-second must be a number from 0.1 to 1000'],
    [['pause', '--calls-per-second', '5'], 'unknown option'],
  ])('%j is a usage error: %s', async (args, message) => {
    const { code, stderr } = await cli.run('limits', ...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
