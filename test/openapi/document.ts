import { join } from 'node:path';
import { buildGenerator, getProgramFromFiles } from 'typescript-json-schema';
import * as z from 'zod/mini';
import { dismissRequest, dryRunRequest, rateLimitCommand, redriveRequest } from '../../console/operations.ts';
import { rulesDryRunRequest, rulesRequest } from '../../console/routing.ts';
import { sandboxMessage } from '../../console/server.ts';
import type { JsonSchema } from '../../core/events/json-schema.ts';
import { root } from '../markdown.ts';
import type { ResponseBodies } from './bodies.ts';

interface Operation {
  readonly summary: string;
  readonly query?: readonly (keyof typeof parameters)[];
  /** The schema that the API parses the body with. */
  readonly body?: z.ZodMiniType;
  readonly status?: 200 | 202;
}

const list = ['limit', 'after'] as const;

/** The operations of the API, by method and path. */
export const operations: Readonly<Record<keyof ResponseBodies, Operation>> = {
  'GET /health': { summary: 'Whether the API runs, and the name of the bus' },
  'GET /console': { summary: 'The stage, and whether the simulator and the list of events are available' },
  'GET /conversations': {
    summary: 'Conversations, latest activity first',
    query: ['status', 'organizationId', 'search', ...list],
  },
  'GET /conversations/:id': {
    summary: 'A conversation with its messages and notes',
    query: ['organizationId', 'since', ...list],
  },
  'GET /messages/:id': { summary: 'A message with the clicks on its buttons', query: ['organizationId'] },
  'GET /events': {
    summary: 'Webhooks and events, newest first',
    query: ['type', 'status', 'since', 'until', 'organizationId', 'conversationId', ...list],
  },
  'GET /event-filters': { summary: 'The values of the filters of events' },
  'GET /events/:id': { summary: 'A webhook or event with its payload and its effects' },
  'POST /events/:id/replay': { summary: 'Publishes an event, or the events of a webhook, again' },
  'GET /replays/:id': { summary: 'The state of a replay of EventBridge, only on a stage' },
  'GET /executions': {
    summary: 'Executions of the send state machine, latest start first',
    query: ['status', 'error', 'since', 'until', 'search', ...list],
  },
  'GET /executions/:id': { summary: 'An execution with its request and its history' },
  'GET /dead-letters': { summary: 'Dead letters with one status', query: ['status', ...list] },
  'GET /dead-letters/:id': { summary: 'A dead letter with the archived request or event' },
  'POST /dead-letters/redrive': { summary: 'Dry run of a redrive', body: dryRunRequest },
  'POST /dead-letters/:id/redrive': { summary: 'Redrives a dead letter', body: redriveRequest },
  'POST /dead-letters/:id/dismiss': { summary: 'Dismisses an open dead letter', body: dismissRequest },
  'GET /rate-limits': { summary: 'Rate limiters and circuit breakers', query: ['organizationId'] },
  'POST /rate-limits/:organizationId': {
    summary: 'Pauses, resumes or changes the rate of an organization',
    body: rateLimitCommand,
  },
  'GET /reconciliation': { summary: 'The results of reconciliation', query: ['organizationId'] },
  'GET /routing/rules': { summary: 'The active rules and stored versions', query: ['organizationId'] },
  'GET /routing/rules/:version': { summary: 'A stored version of the rules', query: ['organizationId'] },
  'POST /routing/rules': { summary: 'Applies new rules, or activates an earlier version', body: rulesRequest },
  'POST /routing/test': { summary: 'Dry run of rules over stored conversations', body: rulesDryRunRequest },
  'GET /search': {
    summary: 'The objects with this id or, if there are none, the conversations with this text',
    query: ['search'],
  },
  'GET /flow': { summary: 'The counts of the pipeline, and the last 15 minutes' },
  'POST /simulator/messages': { summary: 'Local engine only: sends a text', body: sandboxMessage, status: 202 },
};

const parameters = {
  limit: 'The maximum number of items of the page',
  after: 'The `next` of the previous page',
  organizationId: 'Only of this organization',
  conversationId: 'Only of this conversation',
  status: 'Only with this status',
  type: 'Only of this type: `webhook`, `event`, the action of a webhook, or the type of an event',
  error: 'Only failed executions with this error name',
  since: 'Only at this time or later (ISO 8601)',
  until: 'Only at this time or earlier (ISO 8601)',
  search: 'Only items that contain this text or have this id',
} as const;

const error = {
  description: 'The field and the expected value, or a message if AWS failed',
  content: {
    'application/json': {
      schema: {
        type: 'object',
        required: ['error'],
        properties: {
          error: {
            type: 'object',
            properties: { field: { type: 'string' }, expected: { type: 'string' }, message: { type: 'string' } },
          },
        },
      },
    },
  },
};

/** The JSON Schemas of the response bodies, from their TypeScript types. */
function responseSchemas(): { readonly bodies: JsonSchema; readonly named: JsonSchema } {
  const file = join(import.meta.dirname, 'bodies.ts');
  const options = {
    target: 'esnext',
    module: 'nodenext',
    strict: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    resolveJsonModule: true,
    types: ['node'],
  };
  // Type errors are ignored: the project's own compiler checks the types, and this generator uses another version.
  const settings = { required: true, ignoreErrors: true, strictNullChecks: true };
  const generator = buildGenerator(getProgramFromFiles([file], options, root), settings);
  const { definitions = {}, properties = {} } = schemaFile.parse(generator?.getSchemaForSymbol('ResponseBodies'));
  const rename = (schema: unknown) => renameReferences(schema, definitions);
  const named = Object.entries(definitions).flatMap(([name, schema]) => {
    const short = typeName(name);
    return short === undefined ? [] : [[short, rename(schema)]];
  });
  return { bodies: mapSchema(properties, rename), named: Object.fromEntries(named) };
}

const schemas = z.record(z.string(), z.record(z.string(), z.unknown()));
const schemaFile = z.object({ definitions: z.optional(schemas), properties: z.optional(schemas) });

/** `import("…").Name` → `Name`. Undefined for an anonymous type. */
const typeName = (definition: string) => /^(?:import\(.*\)\.)?([A-Z]\w*)$/.exec(definition)?.[1];

const mapSchema = (schema: JsonSchema, change: (value: unknown) => unknown): JsonSchema =>
  Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, change(value)]));

/** Points references to the components of the document. Types without a name are included in place. */
function renameReferences(schema: unknown, definitions: z.infer<typeof schemas>): unknown {
  const rename = (value: unknown) => renameReferences(value, definitions);
  if (Array.isArray(schema)) return schema.map(rename);
  if (typeof schema !== 'object' || schema === null) return schema;
  if (!('$ref' in schema)) return mapSchema(sortProperties({ ...schema }), rename);
  const definition = decodeURIComponent(String(schema.$ref).replace('#/definitions/', ''));
  const name = typeName(definition);
  return name === undefined ? rename(definitions[definition]) : { $ref: `#/components/schemas/${name}` };
}

/** TypeScript lists the properties of a spread object in an order that changes with unrelated code. */
function sortProperties(schema: JsonSchema): JsonSchema {
  const { properties } = schema;
  if (typeof properties !== 'object' || properties === null) return schema;
  const sorted = Object.entries(properties).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return { ...schema, properties: Object.fromEntries(sorted) };
}

const eventStream = {
  summary: 'The activity of the bridge and the counts of the flow, as server-sent events',
  responses: {
    200: { description: 'OK', content: { 'text/event-stream': { schema: { type: 'string' } } } },
    '4XX': error,
  },
};

/** The console's HTTP API as an OpenAPI 3.1 document. */
export function openApi(): object {
  const { bodies, named } = responseSchemas();
  const paths: Record<string, Record<string, object>> = {};
  for (const [operation, spec] of Object.entries(operations)) {
    const [method = '', path = ''] = operation.split(' ');
    const template = path.replaceAll(/:(\w+)/g, '{$1}');
    paths[template] = { ...paths[template], [method.toLowerCase()]: describeOperation(path, spec, bodies[operation]) };
  }
  paths['/stream'] = { get: eventStream };
  return {
    openapi: '3.1.0',
    info: {
      title: 'HTTP API of the console of the LiveChat bridge',
      version: '1',
      description: 'docs/reference/http-api.md describes the API and the events of the stream.',
    },
    servers: [{ url: 'http://localhost:3000/api', description: '`npm start`' }],
    security: [{}, { token: [] }],
    paths,
    components: {
      schemas: named,
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'The token that `livechat console --stage NAME --json` prints',
        },
      },
    },
  };
}

function describeOperation(path: string, { summary, query = [], body, status = 200 }: Operation, response: unknown) {
  const text = { type: 'string' };
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: text }));
  const inQuery = query.map((name) => ({ name, in: 'query', description: parameters[name], schema: text }));
  return {
    summary,
    parameters: [...inPath, ...inQuery],
    ...(body && {
      requestBody: { content: { 'application/json': { schema: bodySchema(body) } } },
    }),
    responses: {
      [status]: { description: 'OK', content: { 'application/json': { schema: response } } },
      '4XX': error,
      '5XX': error,
    },
  };
}

function bodySchema(body: z.ZodMiniType): JsonSchema {
  const { $schema: _, '~standard': __, ...schema } = z.toJSONSchema(body, { io: 'input' });
  return schema;
}
