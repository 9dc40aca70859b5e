import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { replyTo } from './reply.ts';

/**
 * Answers every customer's first message. Start the bridge (`npm start`), then this with Node 24:
 *
 *     npx node examples/first-reply/run.ts
 *
 * Deployed, the same `replyTo` would be a Lambda function behind a rule on `message.received`; here it listens to the
 * bridge's stream of events. CONSOLE_URL and AWS_ENDPOINT_URL say where the bridge is.
 */
const {
  CONSOLE_URL = 'http://localhost:3000',
  AWS_ENDPOINT_URL = 'http://127.0.0.1:4566',
  BUS_NAME = 'omnichannel',
} = process.env;

const bus = new EventBridgeClient({
  endpoint: AWS_ENDPOINT_URL,
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});

const stream = await fetch(new URL('/api/stream', CONSOLE_URL));
if (!stream.body) throw new Error(`${CONSOLE_URL} has no stream`);
console.log('listening');

let rest = '';
for await (const chunk of stream.body.pipeThrough(new TextDecoderStream())) {
  const blocks = `${rest}${chunk}`.split('\n\n');
  rest = blocks.pop() ?? '';
  for (const block of blocks) await answer(block);
}

/** One server-sent event: lines of `event:` and `data:`. */
async function answer(block: string): Promise<void> {
  const lines = block.split('\n');
  if (!lines.includes('event: event')) return;
  const data = lines.find((line) => line.startsWith('data: '))?.slice('data: '.length);
  const request = data === undefined ? undefined : replyTo(JSON.parse(data));
  if (!request) return;
  const entry = {
    Source: 'examples.first-reply',
    DetailType: 'message.send.requested',
    Detail: JSON.stringify(request),
    EventBusName: BUS_NAME,
  };
  const { FailedEntryCount } = await bus.send(new PutEventsCommand({ Entries: [entry] }));
  console.log(FailedEntryCount ? 'not taken' : `answered ${request.data.conversationId}`);
}
