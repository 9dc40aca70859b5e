import picocolors from 'picocolors';
import { expect, test } from 'vitest';
import type { Activity } from './activity.ts';
import { formatActivity, formatReady, formatStart } from './output.ts';

const plain = picocolors.createColors(false);
const route = { method: 'POST', path: '/livechat/webhook', function: 'webhook' };
const at = '2030-01-01T12:34:56.789Z';
const addresses = { webhook: 'w', console: 'c', aws: 'a', livechat: 'l', bus: 'b' };

test.each<[Activity, string]>([
  [
    { type: 'webhook', at, ...route, status: 200, ms: 3, action: 'incoming_chat' },
    'webhook    POST incoming_chat 200 3 ms',
  ],
  [{ type: 'webhook', at, ...route, status: 400, ms: 1 }, 'webhook    POST 400 1 ms'],
  [
    {
      type: 'event',
      at,
      detailType: 'message.received',
      source: 's',
      detail: { data: { conversationId: 'C1', content: 'hush' } },
    },
    'event      message.received C1',
  ],
  [{ type: 'event', at, detailType: 'webhook.rejected', source: 's', detail: {} }, 'event      webhook.rejected'],
  [{ type: 'invocation', at, function: 'chat-started', ok: true, ms: 4 }, 'invocation chat-started ok 4 ms'],
  [
    { type: 'invocation', at, function: 'send', ok: false, ms: 4, error: 'Server' },
    'invocation send failed Server 4 ms',
  ],
  [{ type: 'execution', at, name: 'e1', arn: 'arn', status: 'RUNNING' }, 'execution  e1 running'],
  [{ type: 'execution', at, name: 'e1', arn: 'arn', status: 'TIMED_OUT' }, 'execution  e1 timed out'],
  [
    { type: 'execution', at, name: 'e1', arn: 'arn', status: 'FAILED', error: 'ChannelClientError' },
    'execution  e1 failed ChannelClientError',
  ],
])('formats %j in one line without contents', (activity, line) => {
  expect(formatActivity(activity, plain)).toBe(`12:34:56.789 ${line}`);
});

test('prints the addresses, the folder of the data and the generated values', () => {
  const text = formatStart(
    { addresses, generated: { LIVECHAT_WEBHOOK_SECRET: 'whsec-1' }, dataFolder: '/data' },
    plain,
  );

  expect(text).toMatch(/webhook\s+w\n.*console\s+c\n.*AWS\s+a\n.*LiveChat\s+l\n.*bus\s+b\n.*data\s+\/data\n/);
  expect(text).toContain('LIVECHAT_WEBHOOK_SECRET=whsec-1');
  const withoutFolder = formatStart({ addresses, generated: {}, dataFolder: undefined }, plain);
  expect(withoutFolder).toMatch(/data\s+in memory/);
  expect(withoutFolder).not.toContain('Generated');
});

test('prints the ready line as JSON', () => {
  expect(JSON.parse(formatReady(addresses))).toEqual({ ready: true, ...addresses });
});
