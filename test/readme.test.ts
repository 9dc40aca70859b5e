import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeBlocks, root, section } from './markdown.ts';

/** The shell blocks of a page as one terminal session, without the installation. */
function session(page: string, text?: string): string {
  return codeBlocks(page, text)
    .filter(({ language }) => language === 'sh')
    .map((block) => block.text.replace(/^npm ci$/m, ''))
    .join('\n');
}

/** Three ports that were free a moment ago. */
async function freePorts(): Promise<number[]> {
  const servers = [0, 0, 0].map(() => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/**
 * Runs a session in bash with job control, as pasted into a terminal. Only the addresses differ: functions of the shell
 * replace the documented ports by free ones.
 */
async function runSession(script: string): Promise<string> {
  const [port, awsPort, livechatPort] = await freePorts();
  const prelude = `
set -m
trap 'kill $(jobs -p) 2>/dev/null' EXIT
swap() { local a=("\${@//localhost:3000/127.0.0.1:${port}}"); args=("\${a[@]//localhost:4600/127.0.0.1:${livechatPort}}"); }
curl() { swap "$@"; command curl "\${args[@]}"; }
npm() { exec node local/start.ts --memory --port ${port} --aws-port ${awsPort} --livechat-port ${livechatPort}; }
npx() {
  if [ "$1" = node ]; then shift; exec node "$@"; fi
  shift
  case "$1 $2" in
    "simulate replay") set -- "$@" --url http://127.0.0.1:${port}/livechat/webhook ;;
    simulate*) set -- "$@" --simulator http://127.0.0.1:${livechatPort} ;;
  esac
  node cli/livechat.js "$@"
}
export AWS_ENDPOINT_URL=http://127.0.0.1:${awsPort} CONSOLE_URL=http://127.0.0.1:${port}
`;
  const shell = spawn('bash', ['-s'], {
    cwd: root,
    env: { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}` },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (data) => (output += data));
  shell.stdin.end(`${prelude}${script.replaceAll('127.0.0.1:4566', `127.0.0.1:${awsPort}`)}`);
  await once(shell, 'close');
  return output;
}

describe('the walk-through of README.md', () => {
  let output: string;
  beforeAll(async () => {
    output = await runSession(session('README.md', section('README.md', 'Walk-through')));
  }, 120_000);

  it('receives the simulated and the recorded webhooks', () => {
    expect(output).toContain('"ok":true');
    expect(output).toMatch(/48 × 200|48 requests/);
    expect(output).toContain('Thread T8RM2KD13X');
  });

  it('delivers both messages, the second by its third attempt', () => {
    expect(output.match(/^delivered /gm)).toHaveLength(2);
    expect(output).toMatch(/attempt 3 +sent/);
  });

  it('ends with a check of the bridge that finds no fault', () => {
    expect(output).toMatch(/^ok +tables/m);
    expect(output).not.toMatch(/^FAULT/m);
  });
});

describe('the tutorial', () => {
  let output: string;
  beforeAll(async () => {
    output = await runSession(session('docs/tutorial.md'));
  }, 120_000);
  afterAll(() => expect(output).not.toContain('command not found'));

  it('answers the customer once', () => {
    const [, afterSecond = ''] = output.split('Are you there?');
    expect(afterSecond).toBeTruthy();
    const transcripts = output.split(/^Thread /m).slice(1);
    for (const transcript of transcripts) expect(transcript.match(/Thank you for writing/g)).toHaveLength(1);
  });

  it('ends with a redriven message that is delivered', () => {
    expect(output).toContain('the request is a dead letter');
    expect(output).toMatch(/1 redriven/);
    expect(output.split(/^Thread /m).at(-1)).toMatch(/delivered, redrive 1/);
  });
});
