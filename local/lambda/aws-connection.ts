import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { HttpResponse } from '@smithy/core/protocols';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { CallJson } from '../aws/endpoint.ts';
import type { AwsCall, AwsConnection, AwsResponse } from './invocation.ts';

/** Opens a connection to the local AWS, for the functions' thread. */
export function openConnection(url: string, callJson: CallJson): AwsConnection {
  const { port1, port2 } = new MessageChannel();
  port1.on('message', async ({ id, target, body }: AwsCall) => {
    const response: AwsResponse = { id, ...(await callJson(target, body)) };
    port1.postMessage(response);
  });
  port1.unref();
  return { url, port: port2 };
}

/**
 * Sends SDK calls to the local AWS through the connection, because HTTP takes a fifth of the thread's time. Calls to S3, to SQS
 * and to other addresses still use HTTP.
 */
export function useConnection({ url, port }: AwsConnection): void {
  const { host } = new URL(url);
  const { handle } = NodeHttpHandler.prototype;
  const call = createCall(port);
  NodeHttpHandler.prototype.handle = function (request, options) {
    const { hostname, port: requestPort, headers, body } = request;
    const target = headers['x-amz-target'];
    const isLocal = `${hostname}:${requestPort}` === host;
    if (!isLocal || target === undefined || target.startsWith('AmazonSQS.')) return handle.call(this, request, options);
    return call(target, typeof body === 'string' ? body : Buffer.from(body).toString());
  };
}

function createCall(port: MessagePort) {
  const waiting = new Map<number, (response: AwsResponse) => void>();
  let last = 0;
  port.on('message', (response: AwsResponse) => {
    waiting.get(response.id)?.(response);
    waiting.delete(response.id);
  });

  return async (target: string, body: string) => {
    last += 1;
    const call: AwsCall = { id: last, target, body };
    const { promise, resolve } = Promise.withResolvers<AwsResponse>();
    waiting.set(call.id, resolve);
    port.postMessage(call);
    const { status, body: text } = await promise;
    return { response: new HttpResponse({ statusCode: status, headers: {}, body: toStream(Buffer.from(text)) }) };
  };
}

/** Some SDK clients read the body as bytes, others as a stream. */
function toStream(bytes: Buffer): Buffer & AsyncIterable<Uint8Array> {
  return Object.assign(bytes, {
    async *[Symbol.asyncIterator]() {
      yield bytes;
    },
  });
}
