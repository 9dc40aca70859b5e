import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { reads } from '../../console/api.ts';
import type { EventSource } from '../../console/event-source.ts';
import { eventReads } from '../../console/events.ts';
import { createConsole } from '../../console/server.ts';
import { type Local, organizationId, startLocal } from '../local.ts';
import { root } from '../markdown.ts';
import { outbound } from '../outbound.ts';
import { openApi, operations } from './document.ts';

const document = openApi();
const { paths } = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) }).parse(document);
const noEvents: EventSource = {
  list: async () => ({ entries: [], limits: [] }),
  find: async () => undefined,
};

describe('docs/openapi.json', () => {
  /** Update it with `npx vitest run test/openapi -u`. */
  it('matches the types of the responses and the schemas of the requests', async () => {
    const text = `${JSON.stringify(document, null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(join(root, 'docs', 'openapi.json'));
  });

  it('is valid OpenAPI 3.1', async () => {
    expect(await new Validator().validate({ ...document })).toEqual({ valid: true });
  });

  it('has every route of the API but the endpoints of the simulator', () => {
    const app = createConsole({
      bus: 'omnichannel',
      subscribe: () => {},
      events: noEvents,
      simulator: 'http://127.0.0.1',
    });
    const routes = app instanceof Hono ? app.routes : [];
    const served = routes.flatMap(({ method, path }) =>
      path.startsWith('/api/') && method !== 'ALL' ? [`${method} ${path.replace('/api', '')}`] : [],
    );
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
    );
    expect([...new Set(served)].toSorted()).toEqual(documented.toSorted());
  });

  it.each(Object.entries({ ...reads, ...eventReads(noEvents) }))('has the query parameters of GET %s', (path, read) => {
    const names = new Set<string>();
    const query = new Proxy<Record<string, string>>({}, { get: (_, name) => void names.add(String(name)) });
    // A read reads its parameters before it calls AWS. The call to AWS fails in this test.
    Promise.resolve(read({ id: 'id', query, signal: AbortSignal.abort() })).catch(() => {});
    const documented = Object.entries(operations).flatMap(([operation, { query = [] }]) =>
      operation === `GET ${path}` ? query : [],
    );
    expect([...names].toSorted()).toEqual(documented.toSorted());
  });
});

describe('the responses of the local engine', () => {
  let local: Local;
  let ids: Readonly<Record<string, string>>;
  beforeAll(async () => {
    local = await startLocal();
    const customer = outbound(local);
    const chat = await customer.chat();
    await local.idle();
    await customer.send(chat);
    await customer.fault({ kind: 'error', status: 422, type: 'validation', method: 'send_event', count: 1 });
    await customer.send(chat);
    await local.idle();
    await customer.waitForExecutions();
    await local.idle();
    ids = {
      '/conversations/:id': chat,
      '/messages/:id': await firstId(`/api/conversations/${chat}`, 'messages'),
      '/executions/:id': await firstId('/api/executions', 'executions', 'name'),
      '/dead-letters/:id': await firstId('/api/dead-letters', 'deadLetters'),
      '/events/:id': await firstId('/api/events', 'entries'),
      '/routing/rules/:version': '0',
    };
  });
  afterAll(() => local.stop());

  async function firstId(path: string, list: string, field = 'id'): Promise<string> {
    const { [list]: found = [] } = lists.parse((await local.api(path)).body);
    return encodeURIComponent(z.string().parse(found[0]?.[field]));
  }
  const lists = z.record(z.string(), z.catch(z.array(z.record(z.string(), z.unknown())), []));
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema(document, 'openapi');

  const stageOperations = new Set(['GET /replays/:id']);
  it.each(
    Object.keys(operations).filter((operation) => operation.startsWith('GET ') && !stageOperations.has(operation)),
  )('match: %s', async (operation) => {
    const path = operation.replace('GET ', '');
    const filled = path.replace(/:\w+/, ids[path] ?? '');
    // `GET /search` requires a text.
    const search = path === '/search' ? `&search=${ids['/conversations/:id']}` : '';
    const { status, body } = await local.api(`/api${filled}?organizationId=${organizationId}${search}`);
    expect(status).toBe(200);
    const pointer = path.replaceAll(/:(\w+)/g, '{$1}').replaceAll('/', '~1');
    const reference = `openapi#/paths/${encodeURIComponent(pointer)}/get/responses/200/content/application~1json/schema`;
    expect(ajv.validate({ $ref: reference }, body) || ajv.errors).toBe(true);
  });
});
