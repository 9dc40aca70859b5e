import type { ApiResponses } from '../../console/api.ts';
import type { StartedReplay } from '../../console/event-source.ts';
import type { Flow } from '../../console/flow.ts';
import type { RedriveDryRun } from '../../console/operations.ts';
import type { RulesDryRun } from '../../console/routing.ts';
import type { AboutConsole } from '../../console/server.ts';
import type { RateLimitView } from '../../core/channel/rate-limit-store.ts';
import type { dismiss, redrive } from '../../core/outbound/dead-letter-handler.ts';
import type { applyRules, findRules } from '../../core/routing/store.ts';

type Reads = { [Path in keyof ApiResponses as `GET ${Path}`]: ApiResponses[Path] };
type Result<T extends (...given: never[]) => unknown> = NonNullable<Awaited<ReturnType<T>>>;

/** The bodies of the responses of the console's HTTP API, by method and path. The document contains their JSON Schemas. */
export interface ResponseBodies extends Reads {
  'GET /health': { ok: true; bus: string };
  'GET /console': AboutConsole;
  'GET /flow': Flow;
  'POST /dead-letters/redrive': RedriveDryRun;
  'POST /dead-letters/:id/redrive': { redriven: NonNullable<Result<typeof redrive>['redriven']> };
  'POST /dead-letters/:id/dismiss': { dismissed: NonNullable<Result<typeof dismiss>['dismissed']> };
  'POST /events/:id/replay': StartedReplay;
  'POST /rate-limits/:organizationId': { rateLimit: RateLimitView };
  'GET /routing/rules/:version': { organizationId: string; version: Result<typeof findRules> };
  'POST /routing/rules': { organizationId: string; active: Result<typeof applyRules>['version']; changed: boolean };
  'POST /routing/test': RulesDryRun;
  'POST /simulator/messages': { requestId: string };
}
