import { expect, test } from 'vitest';
import { startLivechat } from '../../test/cli.ts';
import { startLocal } from '../../test/local.ts';

test('livechat doctor finds no problem on a new local engine, and says what does not apply there', async () => {
  const fresh = await startLocal();
  const { code, stdout } = await startLivechat(['doctor'], { AWS_ENDPOINT_URL: fresh.aws }).ended;
  await fresh.stop();
  expect(stdout).toContain('No problems found.');
  expect(stdout).toMatch(/^note +registrations +None are registered; the simulator delivers every webhook/m);
  expect(stdout).toMatch(/^note +last webhooks +None has arrived yet/m);
  expect(stdout).toMatch(/^note +reconciliation +No organization has a conversation yet/m);
  expect(code).toBe(0);
});
