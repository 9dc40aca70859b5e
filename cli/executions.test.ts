import { beforeAll, describe, expect, test, vi } from 'vitest';
import * as z from 'zod/mini';
import { cliFor } from '../test/cli.ts';
import { organizationId, pollOptions } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';
import { sharedLocal } from '../test/shared-local.ts';

const listed = z.object({
  executions: z.array(
    z.looseObject({ name: z.string(), id: z.string(), requestId: z.string(), startDate: z.string() }),
  ),
  more: z.boolean(),
});

describe('livechat executions', () => {
  let cli: ReturnType<typeof cliFor>;
  let chatId: string;
  /** Request ids. */
  let sent: string;
  let failed: string;
  beforeAll(async () => {
    const local = await sharedLocal();
    const bus = outbound(local);
    cli = cliFor(local);
    chatId = await bus.chat({ customer: { name: 'Dana' } });
    await local.idle();
    const messages = ['Your parcel\nhas left.', 'It arrives tomorrow.'].map((content) => ({ type: 'text', content }));
    sent = await bus.send(chatId, { messages });
    const waitFor = (check: () => Promise<void>) => vi.waitFor(check, pollOptions);
    await waitFor(async () => expect(await bus.sentTexts(chatId)).toHaveLength(2));
    const file = { type: 'media', content: { key: `${organizationId}/outbound/none.pdf` } };
    failed = await bus.send(chatId, { messages: [file] });
    await waitFor(async () => expect(await bus.deadLetters(chatId)).toHaveLength(1));
    const [deadLetter] = await bus.deadLetters(chatId);
    await bus.redrive(deadLetter?.id ?? '', { force: true });
    await waitFor(async () => expect(await bus.deadLetters(chatId)).toMatchObject([{ redrives: 1 }]));
    await waitFor(async () => {
      const { body } = await local.api(`/api/executions?${new URLSearchParams({ search: chatId, status: 'RUNNING' })}`);
      expect(body).toEqual({ executions: [] });
    });
  });

  const list = async (...args: string[]) =>
    listed.parse(await cli.json('executions', 'list', '--search', chatId, ...args)).executions;
  const requests = async (...args: string[]) => (await list(...args)).map(({ requestId }) => requestId);

  test('list shows customer, message, status, error, attempts and duration', async () => {
    const { code, stdout } = await cli.run('executions', 'list', '--search', chatId);
    expect(code).toBe(0);
    const [header = '', ...rows] = stdout.trim().split('\n');
    const columns = ['started', 'status', 'error', 'customer', 'message', 'chat', 'request', 'attempts', 'duration'];
    expect(header.split(/ {2,}/)).toEqual(columns);
    expect(rows).toHaveLength(3);
    expect(rows[0]).toMatch(
      new RegExp(`failed, redrive 1 +FileRefused +Dana .*${chatId} +${failed} +1 +\\d+\\.\\d s$`),
    );
    expect(rows[2]).toMatch(
      new RegExp(`succeeded +Dana +Your parcel has left\\. \\(and 1 more\\) +${chatId} +${sent} +1 +\\d+\\.\\d s$`),
    );
  });

  test('list filters by status, error and time, and limits', async () => {
    expect(await requests('--status', 'succeeded')).toEqual([sent]);
    expect(await requests('--error', 'FileRefused')).toEqual([failed, failed]);
    expect(await requests('--error', 'ChannelServerError')).toEqual([]);
    const [, , first] = await list();
    expect(await requests('--until', first?.startDate ?? '')).toEqual([sent]);
    expect(await requests('--since', '1h')).toEqual([failed, failed, sent]);
    const newest = listed.parse(await cli.json('executions', 'list', '--limit', '1'));
    expect(newest).toMatchObject({ executions: [{}], more: true });
    expect((await cli.run('executions', 'list', '--limit', '1')).stdout).toContain('There are more: raise --limit.');
  });

  test('list finds the executions of an error without a search', async () => {
    const found = listed.parse(await cli.json('executions', 'list', '--error', 'FileRefused', '--limit', '1000'));
    expect(found.executions.filter(({ requestId }) => requestId === failed)).toHaveLength(2);
  });

  test('show finds an execution by request, name or ARN, with its history', async () => {
    const [, , { name = '', id = '' } = {}] = await list();
    for (const key of [sent, name, id]) {
      expect(await cli.json('executions', 'show', key)).toMatchObject({
        execution: { name, status: 'SUCCEEDED', customer: 'Dana', attempts: 1 },
        request: { requestId: sent, conversationId: chatId },
        history: expect.arrayContaining([expect.objectContaining({ type: 'ExecutionSucceeded' })]),
        hasEarlierEvents: false,
      });
    }
    const { stdout } = await cli.run('executions', 'show', name);
    expect(stdout).toMatch(
      new RegExp(`^execution +${name}\nstatus +succeeded\nstarted .*Z\nduration +\\d+\\.\\d s$`, 'm'),
    );
    expect(stdout).toMatch(/^\S+Z +ExecutionStarted$/m);
  });

  test('show asks for a name if a request has more than one execution, and says why one failed', async () => {
    const { code, stderr } = await cli.run('executions', 'show', failed);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`2 executions match ${failed}: pass the name of one`)]);
    const [last] = await list('--status', 'failed');
    expect(stderr).toContain(`${last?.name}  failed, redrive 1`);
    const { stdout } = await cli.run('executions', 'show', last?.name ?? '');
    expect(stdout).toMatch(/^error +FileRefused: \S/m);
    expect(stdout).toMatch(/^dead letter +[0-9a-f]+$/m);
  });

  test('show of an unknown id says what it accepts', async () => {
    const { code, stderr } = await cli.run('executions', 'show', 'no-such-execution');
    expect([code, stderr]).toEqual([1, expect.stringContaining('pass a name, an ARN or the id of a request')]);
  });
});
