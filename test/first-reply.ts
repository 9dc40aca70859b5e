import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { RunningLocal } from './local.ts';
import { awsEnvironment } from './local-aws.ts';
import { root } from './markdown.ts';
import { outbound } from './outbound.ts';

/** Runs a service that replies to the first message of a customer, and writes two messages to it. */
export async function expectOneReply(local: RunningLocal, command: string, script: string): Promise<void> {
  const service = spawn(command, [join(root, script)], {
    env: { ...process.env, ...awsEnvironment(local) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(service.stdout, 'data');
    const customer = outbound(local);
    const chat = await customer.chat();
    await expect.poll(() => customer.sentTexts(chat), { timeout: 15_000 }).toHaveLength(1);
    await customer.act(chat, { action: 'message', text: 'Are you there?' });
    const calls = async () => (await fetch(`${local.aws}/_local/calls`)).json();
    await expect.poll(calls, { timeout: 15_000 }).toMatchObject({ 'lambda.Invoke:send-requested': 2 });
    await customer.waitForExecutions();
    expect(await customer.sentTexts(chat)).toEqual(['Thank you for writing. Somebody will be with you in a moment.']);
  } finally {
    service.kill();
  }
}
