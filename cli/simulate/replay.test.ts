import { createHmac } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  buildRequest,
  orderRequests,
  type ReplayRequest,
  type ReplayStatus,
  readRecordedBodies,
  replay,
  shuffle,
  summarize,
} from './replay.ts';

const createFolder = (files: Record<string, string>): string => {
  const folder = mkdtempSync(join(tmpdir(), 'livechat-replay-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
};

const names = (folder: string, recorded: readonly { file: string }[]) =>
  recorded.map(({ file }) => file.slice(folder.length + 1));

describe('reading recorded bodies', () => {
  test('reads every .json of a folder without ORDER by name', async () => {
    const folder = createFolder({ 'b.json': '{}', 'a.json': '{}', 'notes.md': '' });
    expect(names(folder, await readRecordedBodies([folder]))).toEqual(['a.json', 'b.json']);
  });

  test('reads the files that ORDER lists, in its order', async () => {
    const folder = createFolder({ 'a.json': '{}', 'b.json': '{}', 'c.json': '{}', ORDER: 'c.json\na.json\n' });
    expect(names(folder, await readRecordedBodies([folder]))).toEqual(['c.json', 'a.json']);
  });

  test('reads files and folders in the given order', async () => {
    const folder = createFolder({ 'a.json': '{"action":"a"}', 'b.json': '{"action":"b"}' });
    const recorded = await readRecordedBodies([join(folder, 'b.json'), folder]);
    expect(recorded.map(({ body }) => body.action)).toEqual(['b', 'a', 'b']);
  });

  test.each([
    ['a missing folder', '/nowhere/at/all', 'File or folder /nowhere/at/all not found'],
    ['an empty folder', createFolder({}), 'has no .json file'],
    ['a file that is not JSON', createFolder({ 'a.json': '{' }), 'a.json is not JSON'],
    ['a file that is not an object', createFolder({ 'a.json': '[]' }), 'a.json is not a JSON object'],
    ['an ORDER that lists a missing file', createFolder({ ORDER: 'gone.json' }), 'gone.json cannot be read'],
  ])('rejects %s by name', async (_, path, message) => {
    await expect(readRecordedBodies([path])).rejects.toThrow(message);
  });
});

describe('authenticating a body', () => {
  const recorded = { file: 'a.json', body: { secret_key: 'old', organization_id: 'o', payload: { text: 'é😀' } } };

  test('puts the secret into the body', () => {
    const { body, headers } = buildRequest(recorded, { secret: 'new', signature: false });
    expect(JSON.parse(body)).toEqual({ ...recorded.body, secret_key: 'new' });
    expect(headers).toEqual({ 'content-type': 'application/json' });
  });

  test('signs the exact bytes and removes the secret from the body', () => {
    const { body, headers } = buildRequest(recorded, { secret: 'new', signature: true });
    expect(JSON.parse(body)).not.toHaveProperty('secret_key');
    const signature = createHmac('sha256', 'new').update(Buffer.from(body, 'utf8')).digest('hex');
    expect(headers['x-signature']).toBe(signature);
  });

  test('keeps the recorded body without a secret', () => {
    expect(JSON.parse(buildRequest(recorded, { signature: false }).body)).toEqual(recorded.body);
  });

  test('signs the replaced organization', () => {
    const { body } = buildRequest(recorded, { secret: 'new', signature: true, organization: 'other' });
    expect(JSON.parse(body)).toMatchObject({ organization_id: 'other' });
  });
});

describe('the order of requests', () => {
  test('repeats each item in a row', () => {
    expect(orderRequests(['a', 'b'], 2)).toEqual(['a', 'a', 'b', 'b']);
  });

  test('gives the same order for the same seed', () => {
    expect(shuffle([1, 2, 3, 4, 5, 6, 7, 8], 42)).toEqual(shuffle([1, 2, 3, 4, 5, 6, 7, 8], 42));
    expect(shuffle([1, 2, 3, 4, 5, 6, 7, 8], 42)).not.toEqual(shuffle([1, 2, 3, 4, 5, 6, 7, 8], 43));
  });

  test('keeps every item when it shuffles', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.nat(), (items, seed) => {
        const order = (a: number, b: number) => a - b;
        expect(shuffle(items, seed).sort(order)).toEqual(items.toSorted(order));
      }),
    );
  });
});

const bodies = (count: number): ReplayRequest[] =>
  Array.from({ length: count }, (_, index) => ({ file: `${index}.json`, body: '{}', headers: {} }));

/** A clock that advances by 10 ms with each reading. */
const createTickingClock = () => {
  let time = 0;
  return () => {
    time += 10;
    return time;
  };
};

const replayWith = (send: (request: ReplayRequest) => Promise<ReplayStatus>, count: number, concurrency = 1) =>
  replay(bodies(count), { send, throttle: () => Promise.resolve(), concurrency, now: createTickingClock() });

describe('sending', () => {
  test('sends one request after the other with concurrency 1', async () => {
    const log: string[] = [];
    await replayWith(async ({ file }) => {
      log.push(`begin ${file}`);
      await Promise.resolve();
      log.push(`end ${file}`);
      return 200;
    }, 2);
    expect(log).toEqual(['begin 0.json', 'end 0.json', 'begin 1.json', 'end 1.json']);
  });

  test('sends no more requests at a time than the concurrency', async () => {
    let running = 0;
    let max = 0;
    const send = async () => {
      running += 1;
      max = Math.max(max, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return 200;
    };
    await replayWith(send, 20, 4);
    expect(max).toBe(4);
  });

  test('waits for the throttle before each request', async () => {
    let waits = 0;
    const throttle = async () => {
      waits += 1;
    };
    await replay(bodies(3), { send: async () => 200, throttle, concurrency: 1, now: createTickingClock() });
    expect(waits).toBe(3);
  });
});

describe('the summary', () => {
  test('is ok if every response is 200', async () => {
    const summary = summarize(await replayWith(async () => 200, 3));
    expect(summary).toEqual({ ok: true, sent: 3, byStatus: { 200: 3 }, p50Ms: 10, p99Ms: 10, failures: [] });
  });

  test('lists each file and status other than 200', async () => {
    const statuses: ReplayStatus[] = [200, 401, 'ECONNREFUSED'];
    const results = await replayWith(async ({ file }) => statuses[Number.parseInt(file, 10)] ?? 0, 3);
    const summary = summarize([...results, ...results]);
    expect(summary).toMatchObject({ ok: false, sent: 6, byStatus: { 200: 2, 401: 2, ECONNREFUSED: 2 } });
    expect(summary.failures).toEqual([
      { file: '1.json', status: 401, count: 2 },
      { file: '2.json', status: 'ECONNREFUSED', count: 2 },
    ]);
    expect(summary.advice).toMatch(/^401: /);
  });
});
