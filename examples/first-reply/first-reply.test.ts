import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Local, startLocal } from '../../test/local.ts';
import { codeBlocks, readPage } from '../../test/markdown.ts';
import { expectOneReply } from '../../test/service.ts';

let local: Local;
beforeAll(async () => {
  local = await startLocal();
});
afterAll(() => local.stop());

it('replies once to the first message of a customer', () =>
  expectOneReply(local, process.execPath, 'examples/first-reply/run.ts'));

it.each(['first-reply', 'first-reply-python'])('has the documented event pattern: %s', (example) => {
  const [documented] = codeBlocks('docs/how-to/subscribe.md').filter(({ language }) => language === 'json');
  expect(JSON.parse(readPage(`examples/${example}/pattern.json`))).toEqual(JSON.parse(documented?.text ?? ''));
});
