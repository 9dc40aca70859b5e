import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { fixture } from '../test/fixtures.ts';
import { post } from '../test/local.ts';
import { type SharedLocal, sharedLocal } from '../test/shared-local.ts';

const tag = (name: string, when?: object) => ({ name, ...(when && { when }), do: { tag: [name] } });
const rules = (...given: object[]) => ({ match: 'first', rules: given });
const pro = { fact: 'session.plan', is: 'pro' };

describe('/api/routing', () => {
  let local: SharedLocal;
  beforeAll(async () => {
    local = await sharedLocal();
  });

  const send = async (path: string, body: unknown) => {
    const init = { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) };
    const response = await fetch(new URL(`/api/routing/${path}`, local.console), init);
    return { status: response.status, body: z.looseObject({}).parse(await response.json()) };
  };
  const readRules = (organizationId: string) => local.api(`/api/routing/rules?organizationId=${organizationId}`);

  const started = fixture('incoming_chat.json');
  /** An organization with a chat that a returning customer with the plan `pro` started. */
  async function createOrganization(): Promise<string> {
    const organization_id = randomUUID();
    for (const body of [started, fixture('incoming_chat.reopened.json')])
      await post(local, { ...body, organization_id });
    await local.idle();
    return organization_id;
  }

  describe('/rules', () => {
    it('returns the default rules until others are applied', async () => {
      const organizationId = randomUUID();
      const active = { version: 0, ruleSet: { match: 'first', rules: [] } };
      expect((await readRules(organizationId)).body).toMatchObject({
        rules: [{ organizationId, active, versions: [] }],
      });
    });

    it('stores immutable versions and restores any of them', async () => {
      const organizationId = randomUUID();
      const [first, second] = [rules(tag('a')), rules(tag('b'))];
      const apply = (more: object) => send('rules', { organizationId, ...more });
      expect(await apply({ ruleSet: first, comment: 'why' })).toMatchObject({
        status: 200,
        body: { organizationId, active: { version: 1, comment: 'why', ruleSet: first }, changed: true },
      });
      expect(await apply({ ruleSet: second })).toMatchObject({ body: { active: { version: 2 }, changed: true } });
      expect(await apply({ ruleSet: second })).toMatchObject({ body: { active: { version: 2 }, changed: false } });
      const at = (version: number) => local.api(`/api/routing/rules/${version}?organizationId=${organizationId}`);
      expect((await at(1)).body).toMatchObject({ version: { version: 1, ruleSet: first } });
      expect(await apply({ version: 1 })).toMatchObject({
        body: { active: { version: 1, ruleSet: first }, changed: true },
      });
      expect(await apply({ version: 1 })).toMatchObject({ body: { active: { version: 1 }, changed: false } });
      const third = rules(tag('c'));
      expect(await apply({ ruleSet: third })).toMatchObject({ body: { active: { version: 3 } } });
      expect((await readRules(organizationId)).body).toMatchObject({
        rules: [{ active: { version: 3 }, versions: [{ version: 3 }, { version: 2 }, { version: 1, comment: 'why' }] }],
      });
      expect(await apply({ version: 0 })).toMatchObject({ body: { active: { version: 0, ruleSet: { rules: [] } } } });
    });

    it('creates one version for each of eight concurrent requests', async () => {
      const organizationId = randomUUID();
      const names = Array.from({ length: 8 }, (_, index) => `${index}`);
      const responses = await Promise.all(
        names.map((name) => send('rules', { organizationId, ruleSet: rules(tag(name)) })),
      );
      const version = z.object({ active: z.object({ version: z.number() }) });
      const versions = responses.map(({ body }) => version.parse(body).active.version);
      expect(versions.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    });

    it('applies one of eight concurrent requests that replace the same version', async () => {
      const organizationId = randomUUID();
      const names = Array.from({ length: 8 }, (_, index) => `${index}`);
      const responses = await Promise.all(
        names.map((name) => send('rules', { organizationId, ruleSet: rules(tag(name)), replaces: 0 })),
      );
      expect(responses.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(responses.filter(({ status }) => status === 409)).toHaveLength(7);
      const [winner] = responses.filter(({ status }) => status === 200);
      const { active } = z.object({ active: z.object({ version: z.number() }) }).parse(winner?.body);
      expect((await readRules(organizationId)).body).toMatchObject({ rules: [{ active }] });
      expect(await send('rules', { organizationId, version: 0, replaces: active.version + 1 })).toMatchObject({
        status: 409,
        body: { error: { field: 'replaces' } },
      });
    });

    it.each<[unknown, number, object]>([
      ['no JSON', 400, { error: { field: 'ruleSet' } }],
      [
        { ruleSet: 7 },
        400,
        { error: { field: 'ruleSet', expected: 'Invalid input: expected object, received number' } },
      ],
      [
        { ruleSet: { match: 'some', rules: [{ name: 'x', do: {} }] } },
        400,
        {
          error: { field: 'ruleSet.match', expected: 'first or all' },
          issues: [{ path: 'match' }, { path: 'rules.0.do', message: expect.stringContaining('at least one of') }],
        },
      ],
      [{ version: 7, organizationId: 'O' }, 404, { error: { field: 'version' } }],
      [{ version: -1 }, 400, { error: { field: 'ruleSet' } }],
    ])('rejects %j', async (body, status, expected) => {
      expect(await send('rules', body)).toMatchObject({ status, body: expected });
    });

    it('requires the organization if there are several', async () => {
      await Promise.all([createOrganization(), createOrganization()]);
      expect(await send('rules', { ruleSet: rules(tag('a')) })).toMatchObject({
        status: 400,
        body: { error: { field: 'organizationId' } },
      });
    });

    it('returns 404 for a missing version', async () => {
      for (const version of ['4', 'x', '-1', '1.5']) {
        const { status } = await local.api(`/api/routing/rules/${version}?organizationId=${randomUUID()}`);
        expect(status).toBe(404);
      }
    });
  });

  describe('/test', () => {
    const results = z.object({
      activeVersion: z.number(),
      results: z.array(
        z.looseObject({
          conversationId: z.string(),
          threadId: z.string(),
          active: z.looseObject({ matched: z.array(z.string()) }),
          candidate: z.looseObject({ matched: z.array(z.string()) }),
          differs: z.boolean(),
        }),
      ),
    });
    const dryRun = async (body: object) => {
      const response = await send('test', body);
      expect(response).toMatchObject({ status: 200 });
      return results.parse(response.body);
    };

    it('compares rules with the active ones on the latest thread that a customer started', async () => {
      const organizationId = await createOrganization();
      await send('rules', { organizationId, ruleSet: rules(tag('old', pro)) });
      const topic = { fact: 'answers.topic', is: 'Order status' };
      const order = { fact: 'message', words: 'order 4711' };
      const cart = { fact: 'page', contains: '/cart' };
      const all = [pro, topic, order, cart, { fact: 'returning', is: true }, { fact: 'country', is: 'PL' }];
      const response = await dryRun({ organizationId, ruleSet: rules(tag('new', { all })) });
      expect(response).toMatchObject({
        activeVersion: 1,
        results: [
          {
            conversationId: 'T8RM2K0V9X',
            threadId: 'T8RM2KD13X',
            active: { matched: ['old'], actions: [{ rule: 'old', action: 'tag', tag: 'old' }] },
            candidate: { matched: ['new'], evaluated: [{ rule: 'new', result: 'matched' }] },
            differs: true,
          },
        ],
      });
    });

    it('reports no difference for renamed rules, and changes nothing', async () => {
      const organizationId = await createOrganization();
      const before = await local.api(`/api/conversations/T8RM2K0V9X?organizationId=${organizationId}`);
      await send('rules', { organizationId, ruleSet: rules(tag('a', pro)) });
      const other = { ...tag('a', pro), name: 'b' };
      expect((await dryRun({ organizationId, ruleSet: rules(other) })).results).toMatchObject([{ differs: false }]);
      expect((await local.api(`/api/conversations/T8RM2K0V9X?organizationId=${organizationId}`)).body).toEqual(
        before.body,
      );
    });

    it('reports waiting rules, and omits unroutable and missing conversations', async () => {
      const organizationId = await createOrganization();
      const silent = { ...started, organization_id: organizationId, payload: silentChat('SILENT') };
      await post(local, silent);
      await local.idle();
      const body = { organizationId, ruleSet: rules(tag('r', { fact: 'message', contains: 'x' })) };
      const { results } = await dryRun({ ...body, conversationIds: ['SILENT', 'T8RM2K0V9X', 'NOTHING'] });
      expect(results).toMatchObject([
        {
          conversationId: 'SILENT',
          candidate: { evaluated: [{ rule: 'r', result: 'waits' }], waitsFrom: 0 },
          differs: true,
        },
        { conversationId: 'T8RM2K0V9X', candidate: { matched: [] }, differs: false },
      ]);
      expect((await dryRun({ ...body, limit: 1 })).results).toHaveLength(1);
    });

    it.each([
      [{ ruleSet: rules(), limit: 0 }],
      [{ ruleSet: rules(), conversationIds: 'all' }],
      [{ ruleSet: { match: 'first' }, organizationId: 'O' }],
    ])('rejects %j with 400', async (body) => {
      expect(await send('test', body)).toMatchObject({ status: 400, body: { error: { field: expect.any(String) } } });
    });
  });
});

function silentChat(id: string) {
  const users = [{ id: '5f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b55', type: 'customer', present: true }];
  return { chat: { id, users, thread: { id: `${id}_T`, created_at: '2026-03-11T11:00:00.000000Z', active: true } } };
}
