import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { functionEnvironment } from '../../local/environment.ts';
import * as topology from '../../stacks/topology.ts';
import { listed } from '../../test/listed-threads.ts';
import { startTestAws, type TestAws } from '../../test/test-aws.ts';
import { ChannelError } from '../channel/channel.ts';
import { logger } from '../platform/logger.ts';
import type { BackfillRequest } from './reconcile.ts';
import type { Page, Period, ReconciliationChannel, ReconciliationSource } from './source.ts';

let aws: TestAws;
let modules: Awaited<ReturnType<typeof load>>;
const load = async () => ({
  ...(await import('./reconcile.ts')),
  ...(await import('./state.ts')),
  ...(await import('../channel/channel.ts')),
  ...(await import('../livechat/organizations.ts')),
});

beforeAll(async () => {
  aws = await startTestAws({ resources: topology });
  const environment = functionEnvironment({
    topology,
    inherited: { LIVECHAT_CALLS_PER_SECOND: '1000' },
    endpoint: aws.url,
    secretPrefix: 'livechat',
    deadLetterQueueUrl: aws.deadLetterQueueUrl,
    liveChatUrl: 'http://127.0.0.1:1',
  });
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  vi.resetModules();
  modules = await load();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await aws.stop();
});

const noon = Date.parse('2026-11-27T12:00:00Z');
const minute = 60_000;
const hour = 60 * minute;
const iso = (ms: number) => new Date(ms).toISOString();

let organizationId: string;
let periods: Period[];
let pages: (string | undefined)[];
beforeEach(() => {
  organizationId = randomUUID();
  periods = [];
  pages = [];
  vi.useFakeTimers({ toFake: ['Date'], now: noon });
});
afterEach(() => {
  vi.useRealTimers();
});

const empty: Page = { threads: [], invalid: [], next: undefined };

/** A channel without threads. `listArchived` is called for every page of the archive. */
function channel(
  listArchived: (page: string | undefined) => Promise<Page> = async () => empty,
  read: (threadId: string) => Promise<'not found'> = async () => 'not found',
): ReconciliationChannel {
  const source: ReconciliationSource = {
    listActive: async () => empty,
    async listArchived(_at, period, page) {
      periods.push(period);
      pages.push(page);
      return listArchived(page);
    },
    getThread: async (_at, _conversationId, threadId) => read(threadId),
    listThreadIds: async () => undefined,
    inRegion: () => source,
    withFreshCredentials: async () => undefined,
  };
  return { connect: async () => source, isSameContent: () => true };
}

const schedule = (given: ReconciliationChannel = channel()) =>
  modules.reconcileOrganization(organizationId, 'schedule', {
    channel: given,
    deadline: noon + 100 * hour,
    log: logger,
  });
const watermark = async () => (await modules.readReconciliation(organizationId)).watermark;

function backfill(
  given: ReconciliationChannel,
  request: Partial<BackfillRequest> = {},
  dryRun = false,
  signal = neverAborted,
) {
  const period = { from: iso(Date.now() - 2 * hour), to: iso(Date.now()) };
  return modules.backfill(
    { organizationId, ...period, ...request },
    { channel: given, dryRun, signal, onProgress: () => {}, onWait: () => {}, log: logger },
  );
}
const neverAborted = new AbortController().signal;

const counts = z.record(z.string(), z.number());
/** The writes since `clear`. Each call of LiveChat reserves a slot with one of them. */
async function countWrites(): Promise<number> {
  const calls = counts.parse((await aws.control('GET', 'calls')).body);
  return Object.entries(calls).reduce(
    (sum, [name, count]) => (/\.(Put|Update|Delete)/.test(name) ? sum + count : sum),
    0,
  );
}

describe('a scheduled run', () => {
  it('first reads an hour, then from an hour before the watermark, until two minutes ago', async () => {
    await schedule();
    vi.setSystemTime(noon + 15 * minute);
    await schedule();
    expect(periods).toEqual([
      { from: iso(noon - hour), to: iso(noon - 2 * minute) },
      { from: iso(noon - hour - 2 * minute), to: iso(noon + 13 * minute) },
    ]);
    expect(await watermark()).toBe(iso(noon + 13 * minute));
  });

  it('reads 24 hours again once a day', async () => {
    await schedule();
    vi.setSystemTime(noon + 24 * hour);
    await schedule();
    vi.setSystemTime(noon + 24 * hour + 15 * minute);
    await schedule();
    const lengths = periods.map(({ from, to }) => Math.round((Date.parse(to) - Date.parse(from)) / hour));
    expect(lengths).toEqual([1, 48, 1]);
  });

  it('writes twice if nothing differs, besides the slots of its calls, and keeps no run', async () => {
    await schedule();
    await aws.control('DELETE', 'calls');
    vi.setSystemTime(noon + 15 * minute);
    const run = await schedule();
    expect(run).toMatchObject({ status: 'complete', report: { calls: 2 } });
    expect(await countWrites()).toBe(2 + 2);
    expect(await modules.readReconciliation(organizationId)).toMatchObject({ last: { status: 'complete' }, runs: [] });
  });

  it('does nothing while another run holds the lease, and takes over when it has expired', async () => {
    await modules.acquireLease({ organizationId, owner: 'killed' }, noon);
    expect(await schedule()).toBeUndefined();
    vi.setSystemTime(noon + 6 * minute);
    expect(await schedule()).toMatchObject({ status: 'complete' });
  });

  it('ends without a result if another run has taken over its lease', async () => {
    const stealing = channel(async () => {
      vi.setSystemTime(noon + 6 * minute);
      await modules.acquireLease({ organizationId, owner: 'other' }, Date.now());
      return empty;
    });
    expect(await schedule(stealing)).toBeUndefined();
    expect(await watermark()).toBeUndefined();
  });

  it('continues in the next run when the function is nearly over', async () => {
    const slow = channel(async (page) => {
      vi.setSystemTime(Date.now() + minute);
      return page === undefined ? { ...empty, next: 'p2' } : empty;
    });
    const options = { channel: slow, deadline: noon + 70_000, log: logger };
    const first = await modules.reconcileOrganization(organizationId, 'schedule', options);
    expect(first).toMatchObject({ status: 'interrupted', error: { name: 'Interrupted' } });
    expect(await watermark()).toBeUndefined();

    vi.setSystemTime(noon + 15 * minute);
    expect(await schedule(slow)).toMatchObject({ status: 'complete', runId: first?.runId });
    expect(pages).toEqual([undefined, 'p2']);
    expect(await watermark()).toBe(iso(noon - 2 * minute));
  });

  it('records why it failed, and continues', async () => {
    const fails = channel(async () => {
      throw new ChannelError('Repairable', { message: 'the reason', outcome: 'refused' });
    });
    expect(await schedule(fails)).toMatchObject({ status: 'failed', error: { message: 'the reason' } });
    expect(await modules.readReconciliation(organizationId)).toMatchObject({ runs: [{ status: 'failed' }] });
    expect(await schedule()).toMatchObject({ status: 'complete' });
  });

  it('retries a thread that failed in the previous run, and advances the watermark', async () => {
    const asked: string[] = [];
    const read = async (threadId: string) => {
      asked.push(threadId);
      if (asked.length === 1) throw new modules.ChannelError('Client', { message: 'it failed', outcome: 'refused' });
      return 'not found' as const;
    };
    const lists = (threads: Page['threads']) => channel(async () => ({ ...empty, threads }), read);
    expect(await schedule(lists([listed({ events: undefined })]))).toMatchObject({ status: 'incomplete' });
    expect(await watermark()).toBe(iso(noon - 2 * minute));
    vi.setSystemTime(noon + 15 * minute);
    expect(await schedule(lists([]))).toMatchObject({ status: 'complete' });
    expect(asked).toEqual(['T', 'T']);
  });

  it('begins again if LiveChat no longer accepts the id of a page', async () => {
    const refuses = channel(async (page) => {
      if (page === undefined) return { ...empty, next: 'expired' };
      throw new ChannelError('Client', { message: 'page_id is invalid', outcome: 'refused' });
    });
    await schedule(refuses);
    await schedule();
    expect(pages).toEqual([undefined, 'expired', undefined]);
  });
});

it('reconciles the organizations whose credentials are their own', async () => {
  const [own, first, second] = [randomUUID(), randomUUID(), randomUUID()];
  const secret = (name: string, fields: object = {}) =>
    aws.secrets.call('CreateSecret', {
      Name: `livechat/${name}`,
      SecretString: JSON.stringify({ LIVECHAT_WEBHOOK_SECRET: 'a webhook secret', ...fields }),
    });
  const reconcilable = (...stored: string[]) => modules.reconcilableOrganizations(stored, process.env);
  secret(own);
  expect(await reconcilable(own, first)).toEqual({ organizationIds: [own, first], excluded: [] });
  // The token of the default secret belongs to one of them.
  expect(await reconcilable(first, second)).toEqual({ organizationIds: [own], excluded: [first, second] });
  secret('default', { LIVECHAT_ORGANIZATION_ID: second.toUpperCase() });
  expect(await reconcilable(first)).toEqual({ organizationIds: [own, second], excluded: [first] });
});

describe('a backfill', () => {
  it('is kept, and moves the watermark if it leaves no gap', async () => {
    await schedule();
    vi.setSystemTime(noon + 3 * hour);
    await backfill(channel());
    expect(await watermark()).toBe(iso(noon - 2 * minute));
    await backfill(channel(), { from: iso(noon - hour) });
    // The webhooks of the last two minutes may be in flight.
    expect(await watermark()).toBe(iso(noon + 3 * hour - 2 * minute));
    expect((await modules.readReconciliation(organizationId)).runs).toMatchObject([
      { reason: 'request' },
      { reason: 'request' },
    ]);
  });

  it('of one chat does not move the watermark', async () => {
    await backfill(channel(), { conversationId: 'C' });
    expect(await watermark()).toBeUndefined();
  });

  it('writes nothing in a dry run', async () => {
    await aws.control('DELETE', 'calls');
    const [run] = await backfill(channel(), {}, true);
    expect(run).toMatchObject({ status: 'complete', report: { calls: 2 } });
    expect(await countWrites()).toBe(0);
  });

  it('continues an interrupted one, and then reads the rest of the period', async () => {
    const abort = new AbortController();
    const interrupted = channel(async (page) => {
      if (page !== undefined) return empty;
      abort.abort();
      return { ...empty, next: 'p2' };
    });
    expect(await backfill(interrupted, {}, false, abort.signal)).toMatchObject([{ status: 'interrupted' }]);

    vi.setSystemTime(noon + 10 * minute);
    const runs = await backfill(interrupted);
    expect(runs).toMatchObject([
      { status: 'complete', from: iso(noon - 2 * hour), to: iso(noon) },
      { status: 'complete', from: iso(noon), to: iso(noon + 10 * minute) },
    ]);
    expect(pages.slice(0, 2)).toEqual([undefined, 'p2']);
  });

  it('does not continue one of another period', async () => {
    await backfill(channel(), {}, false, AbortSignal.abort());
    const past = { from: iso(noon - 100 * hour), to: iso(noon - 98 * hour) };
    expect(await backfill(channel(), past)).toMatchObject([past]);

    await backfill(channel(), {}, false, AbortSignal.abort());
    vi.setSystemTime(noon + 50 * hour);
    expect(await backfill(channel())).toMatchObject([{ from: iso(noon + 48 * hour), to: iso(noon + 50 * hour) }]);
  });

  it('of an earlier period does not set the first watermark', async () => {
    await backfill(channel(), { from: iso(noon - 100 * hour), to: iso(noon - 98 * hour) });
    expect(await watermark()).toBeUndefined();
    await backfill(channel());
    expect(await watermark()).toBe(iso(noon - 2 * minute));
  });

  it('replaces an interrupted one of another length', async () => {
    const abort = AbortSignal.abort();
    await backfill(channel(), {}, false, abort);
    const runs = await backfill(channel(), { from: iso(noon - 5 * hour) });
    expect(runs).toMatchObject([{ from: iso(noon - 5 * hour), status: 'complete' }]);
  });

  it('waits for the lease of another run', async () => {
    await modules.acquireLease({ organizationId, owner: 'other' }, noon - 299_950);
    const waited: string[] = [];
    const period = { organizationId, from: iso(noon - hour), to: iso(noon) };
    const onWait = (until: string) => {
      waited.push(until);
      vi.setSystemTime(noon + minute);
    };
    const runs = await modules.backfill(period, {
      channel: channel(),
      dryRun: false,
      signal: neverAborted,
      onProgress: () => {},
      onWait,
      log: logger,
    });
    expect(runs).toMatchObject([{ status: 'complete' }]);
    expect(waited).toEqual([iso(noon + 50)]);
  });
});
