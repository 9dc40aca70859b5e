import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Statement } from '../select.ts';
import { type Request, requestOf } from './request.ts';

export interface GuardOptions {
  /** The local engine's AWS side. */
  readonly upstream: string;
  /** What each function is allowed where it is deployed. */
  readonly allowed: Readonly<Record<string, readonly Statement[]>>;
  readonly deployed: (local: string) => string;
}

export interface Guard {
  readonly url: string;
  /** `function action` of every call that was let through. */
  readonly used: ReadonlySet<string>;
  /** What was not, one line each. */
  readonly refused: readonly string[];
  stop(): void;
}

/** Stands before the local engine as IAM stands before AWS: a function's call that its role does not allow is refused. */
export async function startGuard({ upstream, allowed, deployed }: GuardOptions): Promise<Guard> {
  const used = new Set<string>();
  const refused: string[] = [];

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const { method = '', url = '', headers } = incoming;
    const asked = requestOf({ method, url, headers, body: body.toString() }, deployed);
    const not = asked.resources.filter((resource) => !isAllowed(allowed[asked.who] ?? [], asked.action, resource));
    if (not.length > 0 || asked.resources.length === 0) {
      refused.push(`${asked.who} may not ${asked.action} on ${not.join(', ') || 'nothing'}`);
      deny(response);
      return;
    }
    used.add(`${asked.who} ${asked.action}`);
    const onward = forward(new URL(url, upstream), { method, headers }, async (answer) => {
      const answered = await buffer(answer);
      // Whoever may read some secrets only, or may not list a bucket, is told nothing of what is not there.
      if (answered.includes('ResourceNotFoundException') && asked.action.startsWith('secretsmanager:')) deny(response);
      else if (asked.action === 's3:GetObject' && answer.statusCode === 404 && !mayList(asked)) deny(response);
      else response.writeHead(answer.statusCode ?? 500, answer.headers).end(answered);
    });
    onward.end(body);
  }

  function mayList({ who, resources }: Request): boolean {
    const buckets = resources.map((resource) => resource.replace(/\/.*/, ''));
    const may = buckets.every((bucket) => isAllowed(allowed[who] ?? [], 's3:ListBucket', bucket));
    if (may) used.add(`${who} s3:ListBucket`);
    return may;
  }

  const server = createServer((incoming, response) => {
    handle(incoming, response).catch((error: unknown) => {
      refused.push(String(error));
      response.destroy();
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, used, refused, stop: () => server.close() };
}

function deny(response: ServerResponse): void {
  response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify({ __type: 'AccessDeniedException', message: 'not authorized' }));
}

function isAllowed(statements: readonly Statement[], action: string, resource: string): boolean {
  return statements.some(
    ({ effect, actions, resources }) =>
      effect === 'Allow' && actions.includes(action) && resources.some((pattern) => matches(pattern, resource)),
  );
}

/** As in IAM: `*` is any text, `?` one character. */
function matches(pattern: string, resource: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`).test(resource);
}
