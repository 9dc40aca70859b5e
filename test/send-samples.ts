import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { organizationId, type RunningLocal } from './local.ts';
import { awsEnvironment } from './local-aws.ts';
import { codeBlocks, root, section } from './markdown.ts';
import { outbound } from './outbound.ts';

const page = 'docs/how-to/send.md';

/** The scripts of the page in a language. */
export const sendSamples = (language: string): readonly string[] =>
  codeBlocks(page, section(page, '1. Put the request on the bus')).flatMap((block) =>
    block.language === language ? [block.text] : [],
  );

/** Passes the script to standard input with the documented arguments, runs it twice, and expects one message. */
export async function expectOneMessage(
  local: RunningLocal,
  script: string,
  [command = '', ...flags]: readonly string[],
  path = process.env.PATH,
): Promise<void> {
  const customer = outbound(local);
  const chat = await customer.chat();
  const env = { ...process.env, ...awsEnvironment(local), PATH: path };
  for (const _ of [1, 2]) {
    const running = promisify(execFile)(command, [...flags, organizationId, chat, `for-${chat}`], { cwd: root, env });
    running.child.stdin?.end(script);
    await running;
  }
  await local.idle();
  await customer.waitForExecutions();
  expect(await customer.sentTexts(chat)).toEqual(['Your parcel has left.']);
  expect(await customer.deadLetters(chat)).toEqual([]);
}
