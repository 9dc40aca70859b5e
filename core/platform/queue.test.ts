import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, expect, it, vi } from 'vitest';
import { sendToDeadLetterQueue } from './queue.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it.each([
  [0, 0],
  [900, 900],
  [901, 900],
])('delays a message of %i s by %i s, at most what SQS allows', async (delaySeconds, expected) => {
  vi.stubEnv('DEAD_LETTER_QUEUE_URL', 'https://queue');
  const send = vi.spyOn(SQSClient.prototype, 'send').mockImplementation(async () => ({}));
  await sendToDeadLetterQueue({ kind: 'wake' }, delaySeconds);
  const [command] = send.mock.calls[0] ?? [];
  expect(command).toBeInstanceOf(SendMessageCommand);
  expect(command?.input).toMatchObject({ MessageBody: '{"kind":"wake"}', DelaySeconds: expected });
});
