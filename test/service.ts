import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'vitest';
import { pollOptions, type RunningLocal } from './local.ts';
import { awsEnvironment } from './local-aws.ts';
import { root } from './markdown.ts';
import { outbound } from './outbound.ts';

/** Starts a service on the bus that prints `listening` when it is ready. */
async function startService(local: RunningLocal, command: string, script: string, cwd: string) {
  const service = spawn(command, [script], {
    cwd,
    env: { ...process.env, ...awsEnvironment(local), PYTHONUNBUFFERED: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  service.stdout.on('data', (data) => (output += data));
  await once(service.stdout, 'data');
  return { output: () => output, stop: () => service.kill() };
}

/** Runs a service that replies to the first message of a customer, and writes two messages to it. */
export async function expectOneReply(local: RunningLocal, command: string, script: string): Promise<void> {
  const service = await startService(local, command, script, root);
  try {
    const customer = outbound(local);
    const chat = await customer.chat();
    await expect.poll(() => customer.sentTexts(chat), { timeout: 15_000 }).toHaveLength(1);
    await customer.act(chat, { action: 'message', text: 'Are you there?' });
    const calls = async () => (await fetch(`${local.aws}/_local/calls`)).json();
    await expect.poll(calls, { timeout: 15_000 }).toMatchObject({ 'lambda.Invoke:send-requested': 2 });
    await customer.waitForExecutions();
    expect(await customer.sentTexts(chat)).toEqual(['Thank you for writing. Somebody will be with you in a moment.']);
  } finally {
    service.stop();
  }
}

/** Runs a service that prints the ids of each message of a customer. */
export async function expectPrintedIds(local: RunningLocal, command: string, script: string, cwd: string) {
  const service = await startService(local, command, script, cwd);
  try {
    const chat = await outbound(local).chat();
    await expect.poll(service.output, pollOptions).toContain(chat);
  } finally {
    service.stop();
  }
}
