import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Local, startLocal } from '../local.ts';
import { codeBlocks, readPage, root } from '../markdown.ts';
import { expectOneMessage, sendSamples } from '../send-samples.ts';
import { expectOneReply, expectPrintedIds } from '../service.ts';
import { bin } from './install.ts';

let local: Local;
beforeAll(async () => {
  local = await startLocal();
});
afterAll(() => local.stop());

const run = promisify(execFile);
const path = [bin, process.env.PATH].join(delimiter);

describe('examples/first-reply-python', () => {
  it('replies once to the first message of a customer', () =>
    expectOneReply(local, join(bin, 'python'), 'examples/first-reply-python/run.py'));

  it('has a valid SAM template with the same event pattern', async () => {
    const template = join(root, 'examples', 'first-reply-python', 'template.yaml');
    await run(join(bin, 'cfn-lint'), [template]);
    const print = `import json, yaml
yaml.SafeLoader.add_multi_constructor('!', lambda loader, suffix, node: node.value)
function = yaml.safe_load(open('${template}'))['Resources']['FirstReply']
print(json.dumps(function['Properties']['Events']['Message']['Properties']['Pattern']))`;
    const { stdout } = await run(join(bin, 'python'), ['-c', print]);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(readPage('examples/first-reply-python/pattern.json')));
  });
});

it('runs the handler of docs/how-to/subscribe.md', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'subscriber-'));
  // Another service with the same name would receive messages from the same queue.
  const alone = await startLocal();
  try {
    const blocks = codeBlocks('docs/how-to/subscribe.md');
    const first = (language: string) => blocks.find((block) => block.language === language)?.text ?? '';
    await writeFile(join(folder, 'pattern.json'), first('json'));
    await writeFile(join(folder, 'handler.py'), first('python'));
    await copyFile(join(root, 'examples', 'first-reply-python', 'run.py'), join(folder, 'run.py'));
    await expectPrintedIds(alone, join(bin, 'python'), 'run.py', folder);
  } finally {
    await alone.stop();
    await rm(folder, { recursive: true });
  }
});

describe('the scripts of docs/how-to/send.md', () => {
  it.each(sendSamples('python'))('send one message with boto3, even if they run twice', (script) =>
    expectOneMessage(local, script, ['python', '-'], path),
  );

  it.each(sendSamples('sh'))('send one message with the AWS CLI, even if they run twice', (script) =>
    expectOneMessage(local, script, ['bash', '-s'], path),
  );
});
