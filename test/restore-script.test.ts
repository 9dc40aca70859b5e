import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { codeBlocks } from './markdown.ts';

/** The script of docs/how-to/recover-from-an-outage.md, with stand-ins for `aws` and `curl`. */
const script = codeBlocks('docs/how-to/recover-from-an-outage.md').at(0)?.text ?? '';

const standIns = {
  aws: `case $* in
    *ssm*) echo '{"webhookUrl":"https://webhook.example"}';;
    *) echo '{"LIVECHAT_WEBHOOK_SECRET":"s","LIVECHAT_ACCOUNT_ID":"a","LIVECHAT_API_KEY":"k"}';;
  esac`,
  curl: `case $* in
    *$FAILING*) echo '{"error":{"type":"authentication"}}'; echo 'curl: (22) 401' >&2; exit 22;;
    *list_chats) echo '{"chats_summary":[{"id":"C1"},{"id":"C2"}]}';;
    *get_chat) echo '{"id":"C"}';;
    *) cat >> "$POSTED"; printf '{"success":true} 200\\n';;
  esac`,
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'restore-'));
  for (const [name, body] of Object.entries(standIns))
    writeFileSync(join(folder, name), `#!/usr/bin/env bash\n${body}\n`, { mode: 0o755 });
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(failing: string) {
  const posted = join(folder, failing);
  writeFileSync(posted, '');
  const env = { PATH: `${folder}:${process.env.PATH}`, FAILING: failing, POSTED: posted };
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { env, encoding: 'utf8' });
  return { status, stdout, stderr, posted: readFileSync(posted, 'utf8') };
}

it('posts each chat to the webhook and prints its id with the response', () => {
  const { status, stdout, posted } = run('nothing');
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'C1 {"success":true} 200\nC2 {"success":true} 200\n' });
  expect(posted).toContain('"payload":{"chat":{"id":"C"}}');
});

it.each(['list_chats', 'get_chat'])('stops with the error of LiveChat if %s fails, and posts nothing', (method) => {
  const { status, stderr, posted } = run(method);
  expect(status).not.toBe(0);
  expect(stderr).toContain(`${method}: {"error":{"type":"authentication"}}`);
  expect(posted).toBe('');
});

it('stops if the webhook does not accept a chat', () => {
  const { status, stdout } = run('webhook.example');
  expect(status).not.toBe(0);
  expect(stdout).toMatch(/^C1 .*authentication/);
});
