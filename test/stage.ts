import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import * as z from 'zod/mini';
import type { AuditEntry } from '../console/access.ts';
import { close, listen } from '../local/listen.ts';
import { startServer } from './http-server.ts';
import type { RunningLocal } from './local.ts';
import { getOperation, logPrefix, startLogs } from './logs.ts';

const token = 'token-of-this-test';
/** Offset of the console's clock, so that events are older than the delay of the archive. */
const aheadMs = 15 * 60_000;

const text = z.optional(z.string());
const entry = z.object({
  id: z.string(),
  kind: z.string(),
  at: z.string(),
  type: z.string(),
  response: z.optional(z.object({ status: z.number(), ms: z.number() })),
  ...{ eventId: text, correlationId: text, causationId: text, organizationId: text, conversationId: text },
});
const page = z.object({ entries: z.array(entry) });
const details = z.object({
  functions: z.array(z.object({ function: z.string(), at: z.string(), ok: z.boolean(), ms: z.number() })),
});

const startReplay = z.looseObject({
  ReplayName: z.string(),
  /** Seconds since 1970. */
  EventStartTime: z.number(),
  EventEndTime: z.number(),
  Destination: z.object({ Arn: z.string(), FilterArns: z.array(z.string()) }),
});

/** The lines that the functions of an engine have logged, newest first. */
async function readLogs(local: RunningLocal) {
  const { entries } = page.parse((await local.api('/api/events?limit=2000')).body);
  const lines = await Promise.all(
    entries.map(async ({ id, kind, at, type, response, ...ids }) => {
      if (kind === 'webhook') return [{ at, function: 'webhook', line: { webhook: type, ...response, ...ids } }];
      const { functions } = details.parse((await local.api(`/api/events/${id}`)).body);
      return functions.map(({ function: name, at, ok, ms }) => {
        return { at, function: name, line: { event: type, status: ok ? 'handled' : 'failed', ms, ...ids } };
      });
    }),
  );
  return lines.flat().toSorted((a, b) => b.at.localeCompare(a.at));
}

/**
 * Starts the console of a stage against a local engine, with the logs of all events that it handled so far. Once per test file,
 * because modules read the names of their tables when they are imported.
 */
export async function startStage(local: RunningLocal, stage = 'blue') {
  const lines = await readLogs(local);
  const logs = await startLogs({
    find(queryString) {
      const [, correlationId] = /correlationId = "([\w-]+)/.exec(queryString) ?? [];
      return lines
        .filter(({ line }) => correlationId === undefined || line.correlationId === correlationId)
        .map(({ line, ...logged }) => ({ ...logged, message: JSON.stringify(line) }));
    },
  });
  /** Injected EventBridge errors, by operation. */
  const failures = new Map<string, string>();
  const eventBridge = await startServer(async (response, { headers }) => {
    const failure = failures.get(getOperation(headers));
    if (failure) return response.writeHead(400).end(JSON.stringify({ __type: failure, message: 'no' }));
    const sent = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `${headers['x-amz-target']}` };
    const body = eventBridge.received.at(-1)?.body.toString();
    const answer = await fetch(local.aws, { method: 'POST', headers: sent, ...(body && { body }) });
    response.writeHead(answer.status).end(await answer.text());
  });
  Object.assign(process.env, local.environment, {
    AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: logs.url,
    AWS_ENDPOINT_URL_EVENTBRIDGE: eventBridge.url,
    FUNCTION_LOG_PREFIX: logPrefix,
  });
  const { createConsole } = await import('../console/server.ts');
  const { stageEvents } = await import('../console/stage/events.ts');
  const audited: AuditEntry[] = [];
  let ahead = aheadMs;
  const app = createConsole({
    bus: local.bus,
    subscribe: () => {},
    stage,
    events: stageEvents(() => Date.now() + ahead),
    access: { token, audit: async (record) => void audited.push(record) },
  });
  const server = createServer(getRequestListener((request) => app.fetch(request)));
  const url = `http://localhost:${await listen(server, 0, '--port')}/`;
  return {
    /** Opens the console in a browser. */
    link: `${url}?token=${token}`,
    audited,
    failures,
    /** The requests to start a replay. */
    started: () =>
      eventBridge.received
        .filter(({ headers }) => getOperation(headers) === 'StartReplay')
        .map(({ body }) => startReplay.parse(JSON.parse(body.toString()))),
    async request(method: string, path: string): Promise<{ status: number; body: unknown }> {
      const response = await fetch(new URL(path, url), { method, headers: { authorization: `Bearer ${token}` } });
      return { status: response.status, body: await response.json() };
    },
    /** Sets the offset of the console's clock. */
    setClock(ms = aheadMs): void {
      ahead = ms;
    },
    async stop(): Promise<void> {
      await Promise.all([close(server), logs.stop(), eventBridge.stop()]);
    },
  };
}
