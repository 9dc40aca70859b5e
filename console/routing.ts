import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import * as z from 'zod/mini';
import { organizations } from '../core/conversations/queries.ts';
import { dryRunConversations } from '../core/routing/dry-run.ts';
import { InvalidRulesError, parseRules } from '../core/routing/rules.ts';
import { applyRules, findRules, listVersions, restoreVersion, rulesInForce } from '../core/routing/store.ts';
import { invalid } from './http.ts';

const organizationId = z.optional(z.string());
const rulesRequest = z.strictObject({
  organizationId,
  rules: z.unknown(),
  comment: z.optional(z.string().check(z.maxLength(500))),
});
const versionRequest = z.strictObject({ organizationId, version: z.int().check(z.minimum(0)) });
const dryRunRequest = z.strictObject({
  organizationId,
  rules: z.unknown(),
  conversationIds: z.optional(z.array(z.string()).check(z.maxLength(200))),
  limit: z.optional(z.int().check(z.minimum(1), z.maximum(200))),
});

/** Routing rules: the rules in force, the stored versions and a dry run. */
export function routing(): Hono {
  const app = new Hono();

  app.get('/rules', async (context) => {
    const { organizationId: given } = context.req.query();
    const ids = given === undefined ? await organizations() : [given];
    const rules = await Promise.all(
      ids.map(async (id) => {
        const [inForce, versions] = await Promise.all([rulesInForce(id), listVersions(id)]);
        return { organizationId: id, inForce, versions };
      }),
    );
    return context.json({ rules });
  });

  app.get('/rules/:version', async (context) => {
    const version = z.coerce.number().check(z.int(), z.minimum(0)).safeParse(context.req.param('version'));
    const chosen = await resolveOrganization(context.req.query('organizationId'));
    const found = version.success ? await findRules(chosen, version.data) : undefined;
    if (!found) throw invalid(404, 'version', 'the number of a stored version, or 0 for the default rules');
    return context.json({ organizationId: chosen, version: found });
  });

  app.post('/rules', async (context) => {
    const body: unknown = await context.req.json().catch(() => undefined);
    const another = versionRequest.safeParse(body);
    if (another.success) {
      const chosen = await resolveOrganization(another.data.organizationId);
      const inForce = await restoreVersion(chosen, another.data.version, Date.now());
      if (!inForce) throw invalid(404, 'version', 'the number of a stored version, or 0 for the default rules');
      return context.json({ organizationId: chosen, inForce });
    }
    const given = rulesRequest.safeParse(body);
    if (!given.success) throw invalid(400, 'rules', '{"rules":{…},"comment":"…"}, or {"version":3} for an earlier one');
    const rules = parsed(given.data.rules);
    const chosen = await resolveOrganization(given.data.organizationId);
    const { version, changed } = await applyRules(chosen, rules, given.data.comment, new Date().toISOString());
    return context.json({ organizationId: chosen, inForce: version, changed });
  });

  app.post('/test', async (context) => {
    const given = dryRunRequest.safeParse(await context.req.json().catch(() => undefined));
    if (!given.success) throw invalid(400, 'rules', '{"rules":{…},"conversationIds":["…"],"limit":1 to 200}');
    const candidate = parsed(given.data.rules);
    const chosen = await resolveOrganization(given.data.organizationId);
    const inForce = await rulesInForce(chosen);
    const { conversationIds, limit = 50 } = given.data;
    const results = await dryRunConversations({
      organizationId: chosen,
      inForce: inForce.rules,
      candidate,
      conversationIds,
      limit,
    });
    return context.json({ organizationId: chosen, inForce: inForce.version, results });
  });

  return app;
}

function parsed(rules: unknown) {
  try {
    return parseRules(rules);
  } catch (error) {
    if (!(error instanceof InvalidRulesError)) throw error;
    const { issues } = error;
    const [first] = issues;
    const answer = {
      error: {
        field: first === undefined || first.path === '(root)' ? 'rules' : `rules.${first.path}`,
        expected: first?.message.replace(/^expected /, ''),
      },
      issues,
    };
    throw new HTTPException(400, { res: Response.json(answer, { status: 400 }) });
  }
}

/** The given organization, or the only one with conversations. */
async function resolveOrganization(given: string | undefined): Promise<string> {
  if (given !== undefined) return given;
  const [only, another] = await organizations();
  if (only === undefined || another !== undefined) throw invalid(400, 'organizationId', 'the id of an organization');
  return only;
}
