import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import type { ReconciliationReport, ReconciliationRun } from '../core/reconciliation/report.ts';
import { cliFor } from '../test/cli.ts';
import { type Local, organizationId, pollOptions, startLocal } from '../test/local.ts';
import { countAwsCalls } from '../test/local-aws.ts';
import { outbound } from '../test/outbound.ts';
import { sharedLocal } from '../test/shared-local.ts';
import { startInTerminal, startShell } from '../test/terminal.ts';
import { type BackfillResult, formatDetails, formatProgress, summarize } from './backfill.ts';

const request = { organizationId, from: '2026-11-27T12:00:00.000Z', to: '2026-11-27T14:00:00.000Z' };
const noReport: ReconciliationReport = {
  ...{ threads: 0, equal: 0, repaired: 0, unprovable: {}, examples: [], published: 0, events: {}, calls: 0, passes: 0 },
};
const makeRun = (
  status: ReconciliationRun['status'],
  report: Partial<ReconciliationReport> = {},
): ReconciliationRun => ({
  ...request,
  ...{ runId: 'r1', reason: 'request', startedAt: request.to, status },
  report: { ...noReport, ...report },
});

describe('the options', () => {
  test.each([
    [[], 'Pass --since, such as --since 2h, or --chat'],
    [['--since', 'yesterday'], '--since must be a time before now such as 2h or 7d, or a time such as'],
    [['--since', '2026-11-27'], '--since must be a time before now'],
    [['--since', '2999-01-01T00:00:00Z'], '--since must be in the past'],
    [['--since', '2h', '--until', '2999-01-01T00:00:00Z'], '--until must be in the past'],
    [['--since', '2h', '--until', '3h'], '--since must be before --until'],
    [['--since', '2026-11-20T10:00:00+01:00', '--until', '2026-11-20T09:00:00Z'], '--since must be before --until'],
    [['--since', '2h', '--organization', 'acme'], '--organization must be a UUID'],
  ])('%j are a usage error', async (args, message) => {
    const { code, stderr } = await cliFor(await sharedLocal()).run('backfill', ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});

describe('the output', () => {
  test('counts several organizations together', () => {
    const results: BackfillResult[] = [
      { request, runs: [makeRun('complete', { threads: 30, repaired: 4, published: 9, calls: 12, passes: 2 })] },
      { request, runs: [makeRun('complete', { threads: 5, calls: 3, unprovable: { changing: 1, 'not found': 2 } })] },
    ];
    const { runs, ...totals } = summarize(results);
    expect(runs).toHaveLength(2);
    expect(totals).toEqual({ published: 9, calls: 15, threads: 35, repaired: 4, unprovable: 3 });
  });

  test('lists the events by type, and the threads that are not proven with their reason', () => {
    const run = makeRun('complete', {
      events: { 'chat.started': 1, 'message.received': 12 },
      unprovable: { 'not found': 3 },
      examples: [
        { conversationId: 'C1', threadId: 'T1', reason: 'not found' },
        { conversationId: 'C2', threadId: 'T2', reason: 'changing' },
      ],
    });
    expect(formatDetails(run)).toEqual([
      'Events: 1 chat.started, 12 message.received',
      expect.stringMatching(/^Not proven, 3 threads: the channel does not return them: .* First: C1\/T1$/),
    ]);
    expect(formatDetails(makeRun('complete'))).toEqual([]);
  });

  test('shows the progress of a pass', () => {
    const run = makeRun('running', { threads: 340, published: 12, calls: 51 });
    expect(formatProgress({ phase: 'archive', pass: 2, run })).toBe(
      'Pass 2, archive: 340 threads, 12 events, 51 calls',
    );
  });
});

const output = z.object({
  ok: z.boolean(),
  published: z.number(),
  calls: z.number(),
  threads: z.number(),
  repaired: z.number(),
  unprovable: z.number(),
  runs: z.array(z.looseObject({ status: z.string() })),
});
const conversation = z.object({
  conversation: z.looseObject({ status: z.string() }),
  messages: z.array(z.looseObject({ content: z.unknown() })),
});

describe('on an engine that misses webhooks', () => {
  let local: Local;
  let bus: ReturnType<typeof outbound>;
  let cli: ReturnType<typeof cliFor>;
  let chatId: string;
  beforeAll(async () => {
    local = await startLocal({ LIVECHAT_CALLS_PER_SECOND: '200' });
    bus = outbound(local);
    cli = cliFor(local);
    await bus.fault({ kind: 'webhooks-not-sent', seconds: 3600 });
    chatId = await bus.chat();
    await bus.act(chatId, { action: 'message', text: 'Are you there?' });
  });
  afterAll(() => local.stop());

  const backfill = async (...args: string[]) => output.parse(await cli.json('backfill', '--since', '1h', ...args));
  const texts = async (id: string) => conversation.parse(await bus.read(id)).messages.map(({ content }) => content);

  test('a dry run counts what is missing, and writes nothing', async () => {
    const before = await countAwsCalls(local);
    const counted = await backfill('--dry-run');
    expect(counted).toMatchObject({ ok: true, threads: 1, repaired: 1, unprovable: 0 });
    expect(counted.published).toBeGreaterThanOrEqual(3);
    const isWrite = (call: string) =>
      /events\.PutEvents|dynamodb\.(Put|Update|Delete|BatchWrite|TransactWrite)/.test(call);
    const made = Object.entries(await countAwsCalls(local)).filter(([call, count]) => count > (before[call] ?? 0));
    expect(made.map(([call]) => call).filter(isWrite)).toEqual([]);
    expect(await cli.json('conversations', 'list')).toMatchObject({ conversations: [] });
  });

  test('publishes what is missing once', async () => {
    const { published } = await backfill('--dry-run');
    expect(await backfill('--yes')).toMatchObject({ ok: true, published, repaired: 1, runs: [{ status: 'complete' }] });
    await local.idle();
    expect(await texts(chatId)).toEqual(['Hello', 'Are you there?']);
    expect(await backfill('--yes')).toMatchObject({ ok: true, published: 0, repaired: 0, threads: 1 });
    expect(await bus.sentTexts(chatId)).toEqual([]);
    expect((await cli.run('doctor')).stdout).toMatch(/^ok +reconciliation +LiveChat and the bridge were reconciled/m);
  });

  test('asks first, and reports the result as a table', async () => {
    expect((await cli.run('backfill', '--since', '1h')).stderr).toContain('add --yes');
    await bus.act(chatId, { as: 'agent', action: 'close' });
    const { type, shown, ended } = startInTerminal(['backfill', '--since', '1h'], {
      environment: { AWS_ENDPOINT_URL: local.aws },
    });
    await expect.poll(shown, pollOptions).toContain('publish the missing events?');
    type('y');
    expect(await ended).toBe(0);
    expect(shown()).toMatch(/ complete +1 +1 +1 +0 +2 /);
    expect(shown()).toContain('Events: 1 message.received, 1 chat.observed');
    expect(shown()).toContain('Complete: the last pass found no difference.');
    expect(conversation.parse(await bus.read(chatId)).conversation.status).toBe('closed');
  });

  test('reconciles one chat', async () => {
    const [one, other] = [await bus.chat(), await bus.chat()];
    expect(output.parse(await cli.json('backfill', '--chat', one, '--yes'))).toMatchObject({ ok: true, repaired: 1 });
    await local.idle();
    expect(await texts(one)).toEqual(['Hello']);
    expect((await cli.run('conversations', 'show', other)).code).toBe(1);
  });

  test('says what to do while the organization is paused', async () => {
    await cli.json('limits', 'pause', '--yes');
    const { code, stdout } = await cli.run('backfill', '--since', '1h', '--yes', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: expect.stringContaining('livechat limits show') });
    await cli.json('limits', 'resume');
    expect(await backfill('--yes')).toMatchObject({ ok: true });
  });

  test('says what to do if LiveChat rejects the credentials', async () => {
    await bus.fault({ kind: 'expired-token', method: 'list_chats', count: 1 });
    const { code, stdout } = await cli.run('backfill', '--since', '1h', '--yes');
    expect(code).toBe(1);
    expect(stdout).toContain('Check LIVECHAT_API_KEY with LIVECHAT_ACCOUNT_ID');
    await cli.json('limits', 'resume');
    const [, command = ''] = /^To continue: livechat (.*)$/m.exec(stdout) ?? [];
    expect((await cli.run(...command.split(' '), '--yes')).code).toBe(0);
  });

  test.each([
    ['', ''],
    [' if stdin is not a terminal', ' < /dev/null'],
  ])('Ctrl-C saves where the run is%s, and the command that it prints continues it', async (_, stdin) => {
    for (let n = 0; n < 3; n += 1) await bus.chat();
    await cli.json('limits', 'set', '--calls-per-second', '5');
    const { type, shown, ended } = startShell(`livechat backfill --since 2h --yes${stdin}`, {
      environment: { AWS_ENDPOINT_URL: local.aws },
    });
    await expect.poll(shown, pollOptions).toMatch(/Pass 1|Starting/);
    type('\u0003');
    expect(await ended).toBe(130);
    expect(shown()).toContain('Stopping at the next call.');
    const [, command = ''] = /To continue: livechat (\S+ --since \S+ --until \S+)/.exec(shown()) ?? [];
    await cli.json('limits', 'set', '--calls-per-second', '200');
    const { runs } = output.parse(await cli.json(...command.split(' '), '--yes'));
    expect(runs).toHaveLength(1);
    expect(await backfill('--yes')).toMatchObject({ ok: true, published: 0 });
  });
});
