import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { startLocal } from '../test/local.ts';
import { codeBlocks, root } from '../test/markdown.ts';
import { expectPrintedIds } from '../test/service.ts';

const run = promisify(execFile);
const pages = ['kit/README.md', 'docs/how-to/subscribe.md', 'docs/how-to/send.md', 'docs/reference/kit.md'];
/** Every TypeScript sample on the pages about the kit. */
const samples = pages.flatMap((page) => codeBlocks(page)).filter(({ language }) => language === 'ts');

const packed = z.tuple([z.object({ filename: z.string(), files: z.array(z.object({ path: z.string() })) })]);

/**
 * An empty project with the packed package in its `node_modules`. Its dependencies are links to those of this repository, so that
 * the test needs no network; `.ci/run` installs the package with npm.
 */
let project: string;
let files: string[];
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'kit-'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], { cwd: import.meta.dirname });
  const [{ filename, files: inPackage }] = packed.parse(JSON.parse(stdout));
  files = inPackage.map(({ path }) => path);
  const target = join(project, 'node_modules', 'livechat-bridge');
  await mkdir(target, { recursive: true });
  await run('tar', ['-xzf', join(project, filename), '--strip-components=1', '-C', target]);
  for (const name of ['zod', '@aws-sdk/client-eventbridge', '@aws-sdk/client-sqs', '@types/node']) {
    const link = join(project, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(root, 'node_modules', name), link);
  }
  await writeFile(join(project, 'package.json'), '{ "type": "module" }');
  await Promise.all(samples.map(({ text }, index) => writeFile(join(project, `sample-${index}.ts`), text)));
}, 60_000);
afterAll(() => rm(project, { recursive: true, force: true }));

it('contains the code, the types and the README only', () => {
  expect(files.filter((path) => !/^dist\/[\w-]+\.(js|d\.ts)$/.test(path)).toSorted()).toEqual([
    'README.md',
    'package.json',
  ]);
});

it('type-checks in an empty project with the samples of the documents, strictly, without skipLibCheck', async () => {
  const flags = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false', '--types', 'node'];
  const options = ['--module', 'nodenext', '--target', 'es2023', ...flags];
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  await run(process.execPath, [tsc, ...options, ...samples.map((_, index) => `sample-${index}.ts`)], { cwd: project });
}, 60_000);

it('runs there without @aws-sdk/client-s3, which only large events need', async () => {
  const { stdout } = await run(process.execPath, ['sample-0.ts'], { cwd: project });
  expect(stdout).toBe('');
});

it('runs the handler of docs/how-to/subscribe.md there', async () => {
  const blocks = codeBlocks('docs/how-to/subscribe.md');
  const first = (language: string) => blocks.find((block) => block.language === language)?.text ?? '';
  await writeFile(join(project, 'pattern.json'), first('json'));
  await writeFile(join(project, 'handler.ts'), first('ts'));
  await copyFile(join(root, 'examples', 'first-reply', 'run.ts'), join(project, 'run.ts'));
  const local = await startLocal();
  try {
    await expectPrintedIds(local, process.execPath, 'run.ts', project);
  } finally {
    await local.stop();
  }
});
