import { createHmac } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readRecorded } from './recorded.ts';
import { type Answer, type Prepared, prepare, replay, sequence, summarize } from './replay.ts';
import { shuffled } from './shuffle.ts';

const folderOf = (files: Record<string, string>): string => {
  const folder = mkdtempSync(join(tmpdir(), 'livechat-replay-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
};

const names = (folder: string, recorded: readonly { file: string }[]) =>
  recorded.map(({ file }) => file.slice(folder.length + 1));

describe('reading what was recorded', () => {
  test('a folder without ORDER: every .json by name', async () => {
    const folder = folderOf({ 'b.json': '{}', 'a.json': '{}', 'notes.md': '' });
    expect(names(folder, await readRecorded([folder]))).toEqual(['a.json', 'b.json']);
  });

  test('ORDER gives order and selection', async () => {
    const folder = folderOf({ 'a.json': '{}', 'b.json': '{}', 'c.json': '{}', ORDER: 'c.json\na.json\n' });
    expect(names(folder, await readRecorded([folder]))).toEqual(['c.json', 'a.json']);
  });

  test('files and folders in the order given', async () => {
    const folder = folderOf({ 'a.json': '{"action":"a"}', 'b.json': '{"action":"b"}' });
    const recorded = await readRecorded([join(folder, 'b.json'), folder]);
    expect(recorded.map(({ body }) => body.action)).toEqual(['b', 'a', 'b']);
  });

  test.each([
    ['a folder that is missing', '/nowhere/at/all', 'There is no file or folder /nowhere/at/all'],
    ['an empty folder', folderOf({}), 'has no .json file'],
    ['a file that is not JSON', folderOf({ 'a.json': '{' }), 'a.json is not JSON'],
    ['a file that is no object', folderOf({ 'a.json': '[]' }), 'a.json is not a JSON object'],
    ['an ORDER that names a missing file', folderOf({ ORDER: 'gone.json' }), 'gone.json cannot be read'],
  ])('%s is refused by name', async (_, path, message) => {
    await expect(readRecorded([path])).rejects.toThrow(message);
  });
});

describe('proving where a body comes from', () => {
  const recorded = { file: 'a.json', body: { secret_key: 'old', organization_id: 'o', payload: { text: 'é😀' } } };

  test('by the secret in the body', () => {
    const { body, headers } = prepare(recorded, { kind: 'body secret', secret: 'new' });
    expect(JSON.parse(body)).toEqual({ ...recorded.body, secret_key: 'new' });
    expect(headers).toEqual({ 'content-type': 'application/json' });
  });

  test('by a signature of the exact bytes, and then no secret in the body', () => {
    const { body, headers } = prepare(recorded, { kind: 'signature', secret: 'new' });
    expect(JSON.parse(body)).not.toHaveProperty('secret_key');
    const signature = createHmac('sha256', 'new').update(Buffer.from(body, 'utf8')).digest('hex');
    expect(headers['x-signature']).toBe(signature);
  });

  test('without a secret it goes as it was recorded', () => {
    expect(JSON.parse(prepare(recorded, { kind: 'as recorded' }).body)).toEqual(recorded.body);
  });

  test('another organization is signed with the rest', () => {
    const { body } = prepare(recorded, { kind: 'signature', secret: 'new' }, 'other');
    expect(JSON.parse(body)).toMatchObject({ organization_id: 'other' });
  });
});

describe('the order of sending', () => {
  test('each is repeated right after itself', () => {
    expect(sequence(['a', 'b'], 2)).toEqual(['a', 'a', 'b', 'b']);
  });

  test('a seed gives one order, for ever', () => {
    expect(shuffled([1, 2, 3, 4, 5, 6, 7, 8], 42)).toEqual(shuffled([1, 2, 3, 4, 5, 6, 7, 8], 42));
    expect(shuffled([1, 2, 3, 4, 5, 6, 7, 8], 42)).not.toEqual(shuffled([1, 2, 3, 4, 5, 6, 7, 8], 43));
  });

  test('shuffling loses nothing and adds nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.nat(), (items, seed) => {
        const order = (a: number, b: number) => a - b;
        expect(shuffled(items, seed).sort(order)).toEqual(items.toSorted(order));
      }),
    );
  });
});

const bodies = (count: number): Prepared[] =>
  Array.from({ length: count }, (_, index) => ({ file: `${index}.json`, body: '{}', headers: {} }));

/** A clock that goes on by 10 ms whenever it is read. */
const tickingClock = () => {
  let time = 0;
  return () => {
    time += 10;
    return time;
  };
};

const replayWith = (send: (prepared: Prepared) => Promise<Answer>, count: number, concurrency = 1) =>
  replay(bodies(count), { send, pace: () => Promise.resolve(), concurrency, now: tickingClock() });

describe('sending', () => {
  test('one after the other by default', async () => {
    const log: string[] = [];
    await replayWith(async ({ file }) => {
      log.push(`begin ${file}`);
      await Promise.resolve();
      log.push(`end ${file}`);
      return 200;
    }, 2);
    expect(log).toEqual(['begin 0.json', 'end 0.json', 'begin 1.json', 'end 1.json']);
  });

  test('never more at a time than allowed', async () => {
    let running = 0;
    let most = 0;
    const send = async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return 200;
    };
    await replayWith(send, 20, 4);
    expect(most).toBe(4);
  });

  test('waits for its turn before each', async () => {
    let turns = 0;
    const pace = async () => {
      turns += 1;
    };
    await replay(bodies(3), { send: async () => 200, pace, concurrency: 1, now: tickingClock() });
    expect(turns).toBe(3);
  });
});

describe('the summary', () => {
  test('all 200 is a success', async () => {
    const summary = summarize(await replayWith(async () => 200, 3));
    expect(summary).toEqual({ ok: true, sent: 3, byStatus: { 200: 3 }, p50Ms: 10, p99Ms: 10, failures: [] });
  });

  test('names each file that was not answered with 200, with what it got instead', async () => {
    const answers: Answer[] = [200, 401, 'ECONNREFUSED'];
    const outcomes = await replayWith(async ({ file }) => answers[Number.parseInt(file, 10)] ?? 0, 3);
    const summary = summarize([...outcomes, ...outcomes]);
    expect(summary).toMatchObject({ ok: false, sent: 6, byStatus: { 200: 2, 401: 2, ECONNREFUSED: 2 } });
    expect(summary.failures).toEqual([
      { file: '1.json', status: 401, count: 2 },
      { file: '2.json', status: 'ECONNREFUSED', count: 2 },
    ]);
  });
});
