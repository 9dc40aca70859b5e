import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { createReply } from './reply.ts';

/**
 * Replies to the first message of every customer. Start the bridge (`npm start`), then run this with Node 24:
 *
 *     npx node examples/first-reply/run.ts
 *
 * In AWS, `createReply` would run in a Lambda function with a rule on `message.received`. Here it reads the console's event
 * stream. CONSOLE_URL and AWS_ENDPOINT_URL are the addresses of the bridge.
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

/** Handles one server-sent event: lines of `event:` and `data:`. */
async function answer(block: string): Promise<void> {
  const lines = block.split('\n');
  if (!lines.includes('event: event')) return;
  const data = lines.find((line) => line.startsWith('data: '))?.slice('data: '.length);
  const request = data === undefined ? undefined : createReply(JSON.parse(data));
  if (!request) return;
  const entry = {
    Source: 'examples.first-reply',
    DetailType: 'message.send.requested',
    Detail: JSON.stringify(request),
    EventBusName: BUS_NAME,
  };
  const { FailedEntryCount } = await bus.send(new PutEventsCommand({ Entries: [entry] }));
  console.log(FailedEntryCount ? 'rejected by the bus' : `answered ${request.data.conversationId}`);
}
