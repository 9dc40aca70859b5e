import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import { ClientRequest } from 'node:http';

/** A call over HTTP: of AWS as `service.operation`, of LiveChat as `livechat.method`. */
export type Call = string;

interface Trace {
  readonly calls: Call[];
  readonly kill: Kill | undefined;
  isKilled: boolean;
}

/** Kills before the n-th call whose name begins with `prefix`, from 1. */
export interface Kill {
  readonly prefix: string;
  readonly number: number;
}

const current = new AsyncLocalStorage<Trace>();

subscribe('http.client.request.created', (message) => {
  const trace = current.getStore();
  if (!trace || !(message instanceof Object) || !('request' in message)) return;
  const { request } = message;
  if (!(request instanceof ClientRequest)) return;
  const call = describeCall(request);
  const { kill } = trace;
  if (
    kill &&
    call.startsWith(kill.prefix) &&
    trace.calls.filter((one) => one.startsWith(kill.prefix)).length === kill.number - 1
  )
    trace.isKilled = true;
  // A process that is killed makes no other call either.
  if (trace.isKilled) request.destroy(new Error('killed'));
  else trace.calls.push(call);
});

/** Such as `DynamoDB_20120810.PutItem`. */
function describeCall(request: ClientRequest): Call {
  const target = request.getHeader('x-amz-target');
  if (typeof target === 'string') return target.replace(/^DynamoDB_\d+/, 'dynamodb').replace(/^AWSEvents/, 'events');
  return request.path.startsWith('/v3.') ? `livechat.${request.path.split('/').at(-1)}` : 'other';
}

/** Lists the calls of `run`, not those that it causes in functions. With `kill`, they end there as if the process was killed. */
export async function traceCalls<T>(run: () => Promise<T>, kill?: Kill) {
  const trace: Trace = { calls: [], kill, isKilled: false };
  const [result] = await Promise.allSettled([current.run(trace, run)]);
  if (result.status === 'rejected' && !trace.isKilled) throw result.reason;
  return {
    calls: trace.calls,
    isKilled: trace.isKilled,
    ...(result.status === 'fulfilled' && { result: result.value }),
  };
}

/** The calls that write. */
export function listWrites(calls: readonly Call[]): Call[] {
  return calls.filter((call) =>
    /^(events\.Put|dynamodb\.(Put|Update|Delete|Transact|BatchWrite)|livechat\.(?!list_|get_))/.test(call),
  );
}
