import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cliFor, splitArguments } from '../test/cli.ts';
import { credentials } from '../test/configuration-api.ts';
import { type Local, organizationId, pollOptions, secret, startLocal } from '../test/local.ts';
import { awsClientConfig, awsEnvironment, putStage } from '../test/local-aws.ts';
import { outbound } from '../test/outbound.ts';
import { program } from './program.ts';

// The examples of every help text run on a local engine, also those for a stage, with ids, files and addresses that exist.

interface Example {
  readonly line: string;
  readonly command: CommandUnknownOpts;
}

const helpText = (command: CommandUnknownOpts): string => {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text;
};

const findCommand = (line: string): CommandUnknownOpts => {
  let found: CommandUnknownOpts = program;
  for (const word of line.split(' ')) found = found.commands.find((one) => one.name() === word) ?? found;
  return found;
};

const listExamples = (command: CommandUnknownOpts): string[] => [
  ...[...helpText(command).matchAll(/^ {2}\$ livechat (.*)$/gm)].flatMap(([, line]) => line ?? []),
  ...command.commands.flatMap(listExamples),
];
/** The console of a stage needs CloudWatch Logs: its own tests run it. */
const examples: Example[] = [...new Set(listExamples(program))]
  .filter((line) => !line.startsWith('console'))
  .map((line) => ({ line, command: findCommand(line) }));

const files = {
  'rules.json': { match: 'first', rules: [] },
  'hello.json': [{ action: 'message', text: 'Hello' }],
  'body.json': { action: 'unknown', organization_id: organizationId, payload: {} },
  'invoice.pdf': {},
  'card.json': JSON.parse(/card\.json:\n(.*)/s.exec(helpText(findCommand('send')))?.[1] ?? ''),
};

let local: Local;
let bus: ReturnType<typeof outbound>;
let cli: ReturnType<typeof cliFor>;
let folder: string;
beforeAll(async () => {
  local = await startLocal(credentials);
  bus = outbound(local);
  cli = cliFor(local, awsEnvironment(local));
  folder = mkdtempSync(join(tmpdir(), 'livechat-examples-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(content));
  await Promise.all(['production', 'staging'].map((stage) => putStage(local, stage)));
  const chatId = await bus.chat();
  await bus.send(chatId, { requestId: 'order-4711' });
  await bus.waitForExecutions();
  for (const comment of ['one', 'two', 'three']) {
    const rules = { match: 'first', rules: [{ name: comment, do: { tag: [comment] } }] };
    writeFileSync(join(folder, 'version.json'), JSON.stringify(rules));
    await cli.json('routing', 'apply', '--rules', join(folder, 'version.json'));
  }
}, 60_000);
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await local.stop();
});

/** A dead letter of an event that no function could handle. */
const createDeadLetter = async (): Promise<string> => {
  const id = crypto.randomUUID();
  const metadata = { id, version: '1', correlationId: id, organizationId, carrier: 'livechat' };
  const at = new Date().toISOString();
  const event = { id, source: 'omnichannel.livechat', 'detail-type': 'chat.updated', time: at };
  const detail = {
    metadata: { ...metadata, occurredAt: at, receivedAt: at },
    data: { conversationId: id, tag: 'tag' },
  };
  const QueueUrl = `${local.aws}/000000000000/dead-letters`;
  const MessageBody = JSON.stringify({ ...event, detail });
  await new SQSClient(awsClientConfig(local)).send(new SendMessageCommand({ QueueUrl, MessageBody }));
  await local.idle();
  return (await bus.deadLetters(id))[0]?.id ?? '';
};

/** Replaces what an example assumes, and keeps the work small. */
const prepare = async ({ line, command }: Example): Promise<string[]> => {
  const needsChat = /T8RM2K0V9X|dana@shop\.example/.test(line);
  const chat = needsChat ? await bus.chat({ customer: { name: 'Dana', email: 'dana@shop.example' } }) : '';
  const deadLetter = line.includes('0f3b5c7d9e1a2b4c6d8e0f1a3b5c7d9e') ? await createDeadLetter() : '';
  await local.idle();
  const values: Readonly<Record<string, string>> = {
    T8RM2K0V9X: chat,
    '0f3b5c7d9e1a2b4c6d8e0f1a3b5c7d9e': deadLetter,
    '4d9f1c0e7b3a5d8f2e6c9b1a0d4f7e3c': 'order-4711',
    $SECRET: secret,
    'https://example.com/livechat/webhook': local.webhook,
    ...Object.fromEntries(Object.keys(files).map((name) => [name, join(folder, name)])),
  };
  const args = splitArguments(line).map((arg, index, all) => {
    if (all[index - 1] === '--chats' || all[index - 1] === '--messages') return '2';
    return values[arg] ?? arg;
  });
  const takes = (flag: string) => command.options.some(({ long }) => long === flag) && !args.includes(flag);
  return [
    ...args,
    ...(takes('--yes') && !args.includes('--dry-run') ? ['--yes'] : []),
    ...(takes('--simulator') ? ['--simulator', local.livechat] : []),
    ...(args[1] === 'replay' && takes('--url') ? ['--url', local.webhook] : []),
    ...(args[1] === 'replay' && takes('--secret') ? ['--secret', secret] : []),
    ...(takes('--data') ? ['--data', join(folder, 'data')] : []),
    ...(args.includes('--rotate-secret') ? ['--propagation-seconds', '0', '--cache-seconds', '0'] : []),
  ];
};

test.each(examples.map((example) => [example.line, example] as const))('%s', async (line, example) => {
  const args = await prepare(example);
  const input = args.includes('-') ? 'Hello' : '';
  if (line.startsWith('events tail')) {
    const tail = cli.start(...args);
    await expect.poll(tail.printed, pollOptions).toContain('Waiting for events');
    tail.kill('SIGTERM');
    expect((await tail.ended).stderr).not.toContain('error:');
    return;
  }
  const { code, stdout, stderr } = await cli.runWithInput(input, ...args);
  // The load of the example exceeds the quotas of a new account, which the command reports.
  const expected = line.includes('--webhooks-per-second') ? [0, 1] : [0];
  expect(expected, stdout + stderr).toContain(code);
  expect(stderr).not.toContain('error:');
});
