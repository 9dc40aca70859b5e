import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { curlCommand } from './commands.ts';

/** The arguments that a shell passes to curl. */
function curlArguments(command = ''): string[] {
  const script = `curl() { for argument; do printf '%s\\0' "$argument"; done; }\n${command}`;
  const env = { LIVECHAT_WEBHOOK_SECRET: 'whsec-1' };
  return execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8', env }).split('\0').slice(0, -1);
}

const origin = 'http://localhost:3000';
const webhook = { kind: 'webhook', id: '1', response: { path: '/livechat/webhook', status: 200 } } as const;

describe('the curl command', () => {
  it('sends a webhook with the secret of the environment', () => {
    const body = { action: 'incoming_event', payload: { event: { text: `it's "quoted", \\ $HOME` } } };
    const [url, , header, , sent = ''] = curlArguments(curlCommand(webhook, body, origin));
    expect(url).toBe('http://localhost:3000/livechat/webhook');
    expect(header).toBe('content-type: application/json');
    expect(JSON.parse(sent)).toEqual({ secret_key: 'whsec-1', ...body });
  });

  it.each([{}, [], 7, null])('sends a webhook with the body %j', (body) => {
    const sent = JSON.parse(curlArguments(curlCommand(webhook, body, origin)).at(-1) ?? '');
    expect(sent).toEqual(JSON.stringify(body) === '{}' ? { secret_key: 'whsec-1' } : body);
  });

  it('sends a webhook that is not JSON as it is', () => {
    expect(curlArguments(curlCommand(webhook, '{"nope\'', origin)).at(-1)).toBe('{"nope\'');
  });

  it('does not exist for a webhook whose body is not kept', () => {
    expect(curlCommand(webhook, undefined, origin)).toBeUndefined();
  });

  it('replays an event', () => {
    const command = curlCommand({ kind: 'event', id: 'a b' }, {}, origin);
    expect(curlArguments(command)).toEqual(['-X', 'POST', 'http://localhost:3000/api/events/a%20b/replay']);
  });
});
