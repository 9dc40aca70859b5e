import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openState } from '../local/state.ts';
import { livechat } from '../test/cli.ts';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'livechat-reset-')), 'data');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('deletes the data of the local engine, and no other files', async () => {
  openState(folder).close();
  writeFileSync(join(folder, 'notes.txt'), 'mine');

  const { code, stdout } = await livechat('reset', '--data', folder, '--yes', '--json');

  expect([code, JSON.parse(stdout)]).toEqual([0, { ok: true, folder, deleted: true }]);
  expect(readdirSync(folder)).toEqual(['notes.txt']);
  rmSync(join(folder, 'notes.txt'));

  openState(folder).close();
  await livechat('reset', '--data', folder, '--yes');
  expect(existsSync(folder)).toBe(false);
  expect(await livechat('reset', '--data', folder)).toMatchObject({
    code: 0,
    stderr: expect.stringMatching('No data'),
  });
});

test('deletes a damaged state', async () => {
  openState(folder).close();
  writeFileSync(join(folder, 'engine.db'), 'a text, not a database');
  expect(await livechat('reset', '--data', folder, '--yes')).toMatchObject({ code: 0 });
  expect(existsSync(folder)).toBe(false);
});

test('deletes nothing while an engine uses the folder, or without a confirmation', async () => {
  const state = openState(folder);

  const locked = await livechat('reset', '--data', folder, '--yes');
  expect(locked).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/An engine is using the folder.*Stop the engine/),
  });

  state.close();
  expect(await livechat('reset', '--data', folder)).toMatchObject({ code: 2 });
  expect(existsSync(join(folder, 'engine.db'))).toBe(true);
});
