import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Local, startLocal } from '../../test/local.ts';
import { outbound } from '../../test/outbound.ts';

let local: Local;
beforeAll(async () => {
  local = await startLocal();
});
afterAll(() => local.stop());

it('replies once to the first message of a customer', async () => {
  const run = fileURLToPath(new URL('run.ts', import.meta.url));
  const env = { ...process.env, CONSOLE_URL: local.console, AWS_ENDPOINT_URL: local.aws };
  const service = spawn(process.execPath, [run], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(service.stdout, 'data');
    const customer = outbound(local);
    const chat = await customer.chat();
    await expect.poll(() => customer.sentTexts(chat), { timeout: 15_000 }).toHaveLength(1);
    await customer.act(chat, { action: 'message', text: 'Are you there?' });
    const succeeded = async () => (await local.api('/api/executions?status=SUCCEEDED')).body;
    await expect.poll(succeeded, { timeout: 15_000 }).toMatchObject({ executions: [{}, {}] });
    expect(await customer.sentTexts(chat)).toEqual(['Thank you for writing. Somebody will be with you in a moment.']);
  } finally {
    service.kill();
  }
});
