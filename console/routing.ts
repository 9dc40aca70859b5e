import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import * as z from 'zod/mini';
import { normalizeOrganizationId } from '../core/channel/spec.ts';
import { organizations } from '../core/conversations/queries.ts';
import { dryRunConversations } from '../core/routing/dry-run.ts';
import { InvalidRulesError, parseRules, type RuleSet } from '../core/routing/rules.ts';
import {
  type AppliedRules,
  activeRules,
  applyRules,
  findRules,
  listVersions,
  restoreVersion,
} from '../core/routing/store.ts';
import { invalid, parseBody, type ReadRequest } from './http.ts';

const optionalId = z.optional(z.string());
const version = z.int().check(z.minimum(0));
export const rulesRequest = z.union([
  z.strictObject({ organizationId: optionalId, version, replaces: z.optional(version) }),
  z.strictObject({
    organizationId: optionalId,
    ruleSet: z.unknown(),
    comment: z.optional(z.string().check(z.maxLength(500))),
    replaces: z.optional(version),
  }),
]);
export const rulesDryRunRequest = z.strictObject({
  organizationId: optionalId,
  ruleSet: z.unknown(),
  conversationIds: z.optional(z.array(z.string()).check(z.maxLength(200))),
  limit: z.optional(z.int().check(z.minimum(1), z.maximum(200))),
});

/** Lists the active rules and the stored versions of one organization, or of all. `organizations`: the ids of all. */
export async function listRules({ query: { organizationId: only } }: Pick<ReadRequest, 'query'>) {
  const known = await organizations();
  const ids = only === undefined ? known : [only];
  const rules = await Promise.all(
    ids.map(async (organizationId) => {
      const [active, versions] = await Promise.all([activeRules(organizationId), listVersions(organizationId)]);
      return { organizationId, active, versions };
    }),
  );
  return { organizations: known, rules };
}

export type RulesDryRun = Awaited<ReturnType<typeof dryRunRules>>;

/** Evaluates a rule set for recent conversations, and compares it with the active rules. */
async function dryRunRules({ ruleSet, conversationIds, limit = 50, ...body }: z.infer<typeof rulesDryRunRequest>) {
  const candidate = parseRuleSet(ruleSet);
  const organizationId = await resolveOrganization(body.organizationId);
  const { ruleSet: active, version } = await activeRules(organizationId);
  const results = await dryRunConversations({ organizationId, active, candidate, conversationIds, limit });
  return { organizationId, activeVersion: version, results };
}

/** Routing rules: stored versions, which of them is active, and a dry run. */
export function routing(): Hono {
  const app = new Hono();

  app.get('/rules/:version', async (context) => {
    const version = z.coerce.number().check(z.int(), z.minimum(0)).safeParse(context.req.param('version'));
    const chosen = await resolveOrganization(context.req.query('organizationId'));
    const found = version.success ? await findRules(chosen, version.data) : undefined;
    if (!found) throw noSuchVersion();
    return context.json({ organizationId: chosen, version: found });
  });

  app.post('/rules', async (context) => {
    const expected = '{"ruleSet":{…},"comment":"…"}, or {"version":3} for an earlier one';
    const body = await parseBody(context, rulesRequest, 'ruleSet', expected);
    const { replaces } = body;
    if ('version' in body) {
      const organizationId = await resolveOrganization(body.organizationId);
      const restored = await restoreVersion(organizationId, body.version, Date.now(), replaces);
      if (!restored) throw noSuchVersion();
      return context.json({ organizationId, ...describeApplied(restored) });
    }
    const ruleSet = parseRuleSet(body.ruleSet);
    const organizationId = await resolveOrganization(body.organizationId);
    const applied = await applyRules(organizationId, ruleSet, body.comment, new Date().toISOString(), replaces);
    return context.json({ organizationId, ...describeApplied(applied) });
  });

  app.post('/test', async (context) => {
    const expected = '{"ruleSet":{…},"conversationIds":["…"],"limit":1 to 200}';
    return context.json(await dryRunRules(await parseBody(context, rulesDryRunRequest, 'ruleSet', expected)));
  });

  return app;
}

function describeApplied({ version, changed, isConflict }: AppliedRules) {
  if (isConflict) throw invalid(409, 'replaces', `the active version, which is ${version.version}`);
  return { active: version, changed };
}

const noSuchVersion = () => invalid(404, 'version', 'the number of a stored version, or 0 for the default rules');

/** An invalid rule set is rejected with 400 and each issue. */
function parseRuleSet(value: unknown): RuleSet {
  try {
    return parseRules(value);
  } catch (error) {
    if (!(error instanceof InvalidRulesError)) throw error;
    const { issues } = error;
    const { path = '', message = '' } = issues[0] ?? {};
    const field = path === '(root)' ? 'ruleSet' : `ruleSet.${path}`;
    const response = { error: { field, expected: message.replace(/^expected /, '') }, issues };
    throw new HTTPException(400, { res: Response.json(response, { status: 400 }) });
  }
}

/** The given organization, or the only one with conversations. */
async function resolveOrganization(given: string | undefined): Promise<string> {
  if (given !== undefined) return normalizeOrganizationId(given);
  const [only, another] = await organizations();
  if (only === undefined || another !== undefined) throw invalid(400, 'organizationId', 'the id of an organization');
  return only;
}
