import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { close, listen } from './listen.ts';

const program = fileURLToPath(new URL('./start.ts', import.meta.url));
const freePorts = ['--port', '0', '--aws-port', '0', '--livechat-port', '0'];
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function createDataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'livechat-data-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  return folder;
}

const writeText = (file: string) => (folder: string) => writeFileSync(join(folder, file), 'a text, not a database');

function startWith(...args: string[]): { child: ChildProcess; errors: () => string; ended: Promise<number> } {
  const data = args.includes('--data') ? [] : ['--memory'];
  const child = spawn(process.execPath, [program, ...data, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  cleanups.push(() => child.kill('SIGKILL'));
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { child, errors: () => text, ended: once(child, 'close').then(([code]) => Number(code)) };
}

test('starts within 5 s, prints one line of JSON, and stops cleanly on SIGTERM', async () => {
  const started = performance.now();
  const { child, errors, ended } = startWith(...freePorts, '--json');
  if (!child.stdout) throw new Error('no stdout');
  const lines: string[] = [];
  const output = createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));

  await Promise.race([once(output, 'line'), ended.then(() => Promise.reject(new Error(errors())))]);
  expect(performance.now() - started).toBeLessThan(5_000);
  const ready: unknown = JSON.parse(lines[0] ?? '');
  expect(ready).toEqual({
    ready: true,
    webhook: expect.stringMatching(/^http:\/\/localhost:\d+\/livechat\/webhook$/),
    console: expect.stringMatching(/^http:\/\/localhost:\d+\/$/),
    aws: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    livechat: expect.stringMatching(/^http:\/\/localhost:\d+$/),
    bus: 'omnichannel',
  });

  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(lines).toHaveLength(1);
});

test('exits with code 1 and the folder if another engine uses it, also after that was killed and started again', async () => {
  const folder = createDataFolder();
  for (const _run of [1, 2]) {
    const first = startWith(...freePorts, '--json', '--data', folder);
    if (!first.child.stdout) throw new Error('no stdout');
    await once(createInterface({ input: first.child.stdout }), 'line');
    // Owner only: the files contain messages of customers and secrets.
    const modes = readdirSync(folder).map((file) => statSync(join(folder, file)).mode & 0o777);
    expect(new Set(modes)).toEqual(new Set([0o600]));

    const second = startWith(...freePorts, '--data', folder);

    expect(await second.ended).toBe(1);
    expect(second.errors()).toBe(
      `Another engine is using the folder ${folder}. Stop that engine, choose another folder with --data DIR, or store nothing with --memory.\n`,
    );
    first.child.kill('SIGKILL');
    await first.ended;
  }
});

test.each<[string, string, (folder: string) => void]>([
  ['engine.db is not a database', 'is damaged, or is not a database', writeText('engine.db')],
  ['simulator.db is not a database', 'is damaged, or is not a database', writeText('simulator.db')],
  ['fauxqs.db is not a database', 'is damaged, or is not a database', writeText('fauxqs.db')],
  ['engine.db is a folder', 'is damaged, or is not a database', (folder) => mkdirSync(join(folder, 'engine.db'))],
  [
    'it is a file',
    'is not a folder. Remove it',
    (folder) => {
      rmSync(folder, { recursive: true });
      writeFileSync(folder, '');
    },
  ],
])('exits with code 1 and prints the fix if %s', async (_what, expected, damage) => {
  const folder = createDataFolder();
  damage(folder);

  const { errors, ended } = startWith(...freePorts, '--data', folder);

  expect(await ended).toBe(1);
  expect(errors()).toContain(folder);
  expect(errors()).toContain(expected);
  expect(errors()).toMatch(/^.*, choose another folder with --data DIR, or store nothing with --memory\.\n$/);
});

/** Starts with a limit on the size of files, in units of 512 bytes or 1 KB. */
function startWithFileLimit(units: number, folder: string) {
  const command = `ulimit -f ${units}; exec "$0" "$@"`;
  const args = [process.execPath, program, ...freePorts, '--json', '--data', folder];
  const child = spawn('sh', ['-c', command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  cleanups.push(() => child.kill('SIGKILL'));
  return child;
}

const diskFull = (folder: string) =>
  `Cannot write to the folder ${folder}: its disk is full or has failed. Free some space, choose another folder with --data DIR, or store nothing with --memory.\n`;

test('exits with code 1 and prints the fix if the disk is full', async () => {
  const folder = createDataFolder();
  const child = startWithFileLimit(20, folder);

  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);

  expect(code).toBe(1);
  expect(errors).toBe(diskFull(folder));
});

test('exits with code 1 and prints the fix, without a stack, if the disk becomes full', async () => {
  const folder = createDataFolder();
  const child = startWithFileLimit(2_000, folder);
  const ended = Promise.all([text(child.stderr), once(child, 'close')]);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const { aws }: { aws: string } = JSON.parse(String(line));
  const Detail = JSON.stringify({ data: { text: 'x'.repeat(40_000) } });
  const entry = { EventBusName: 'omnichannel', Source: 'shop', DetailType: 'message.send.requested', Detail };
  const body = JSON.stringify({ Entries: Array(5).fill(entry) });

  while (child.exitCode === null) {
    await fetch(aws, { method: 'POST', headers: { 'x-amz-target': 'AWSEvents.PutEvents' }, body }).catch(
      () => undefined,
    );
  }

  const [errors, [code]] = await ended;
  expect(code).toBe(1);
  expect(errors.slice(-1_000)).toContain(`\n${diskFull(folder)}`);
  expect(errors.slice(-diskFull(folder).length)).toBe(diskFull(folder));
});

test('stops if SIGTERM ends the npm process that started it', async () => {
  const npm = spawn('npm', ['start', '--silent', '--', '--memory', ...freePorts, '--json'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = await once(createInterface({ input: npm.stdout }), 'line');
  const { aws }: { aws: string } = JSON.parse(String(line));
  const isReachable = () =>
    fetch(aws).then(
      () => true,
      () => false,
    );
  expect(await isReachable()).toBe(true);

  npm.kill('SIGTERM');
  await expect.poll(isReachable, { timeout: 10_000 }).toBe(false);
});

test.each(['--aws-port', '--inspect'] as const)(
  'exits with code 1, the port and %s if the port is in use',
  async (option) => {
    const server = createServer();
    const port = await listen(server, 0, '--port');
    cleanups.push(() => close(server));

    const { errors, ended } = startWith(...freePorts, option, String(port));

    expect(await ended).toBe(1);
    expect(errors()).toContain(
      `Port ${port} is taken. Choose another one with ${option} <number> (0 selects a free port).\n`,
    );
  },
);

test.each([
  [['--port', '70000'], /--port <number>.*whole number from 0 to 65535/],
  [['--async-retry-delay', 'soon'], /--async-retry-delay <ms>.*whole number of milliseconds/],
  [['--async-concurrency', '0'], /--async-concurrency <number>.*whole number from 1 to 9999/],
  [['--memory', '--data', 'folder'], /'--memory' cannot be used with option '--data <folder>'/],
  [['--prot', '1'], /unknown option '--prot'/],
])('exits with code 1 and the problem for %j', async (args, message) => {
  const { errors, ended } = startWith(...args);

  expect(await ended).toBe(1);
  expect(errors()).toMatch(message);
});
