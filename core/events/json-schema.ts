import * as z from 'zod/mini';
import { catalogue, type EventType } from './catalogue.ts';
import { metadata, requestMetadata, time } from './schemas.ts';
import { eventSource, eventVersion } from './version.ts';

/** Descriptions of the events for other projects: JSON Schema, AsyncAPI, and the EventBridge schema registry. */

export type JsonSchema = Readonly<Record<string, unknown>>;

export const eventTypes: readonly EventType[] = Object.keys(catalogue).filter((name): name is EventType =>
  Object.hasOwn(catalogue, name),
);

/** The direction of an event: this bridge accepts requests, and publishes all others. */
export function isRequest(type: EventType): boolean {
  return type === 'message.send.requested';
}

/**
 * The JSON Schema of the `detail` of an event. It allows further fields, which a later version of the bridge may add. A large
 * event has `dataRef` in place of `data`.
 */
export function detailSchema(type: EventType, target: 'draft-2020-12' | 'openapi-3.0' = 'draft-2020-12'): JsonSchema {
  const version = z.literal(eventVersion(type));
  const detail = z.object({
    metadata: isRequest(type) ? z.optional(requestMetadata) : z.safeExtend(metadata, { version }),
    data: catalogue[type],
  });
  const {
    $schema,
    '~standard': _,
    ...schema
  } = z.toJSONSchema(detail, {
    target,
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema === time) jsonSchema.format = 'date-time';
    },
  });
  return { ...($schema && { $schema }), title: `${type}, version ${eventVersion(type)}`, ...schema };
}

/** The catalogue as an AsyncAPI 3.0 document with one channel, the bus, and one message per event. */
export function asyncApi(bus: string, sample: (type: EventType) => unknown): object {
  const reference = (type: EventType) => ({ $ref: `#/channels/bus/messages/${type}` });
  const channel = { $ref: '#/channels/bus' };
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'LiveChat bridge',
      version: '1',
      description: `Domain events on the bus. \`source\` is ${eventSource}; a message's name is its \`detail-type\`, its payload the \`detail\`. A large event has \`dataRef\` in place of \`data\`.`,
    },
    channels: {
      bus: {
        address: bus,
        messages: Object.fromEntries(eventTypes.map((type) => [type, { $ref: `#/components/messages/${type}` }])),
      },
    },
    operations: {
      publish: { action: 'send', channel, messages: eventTypes.filter((type) => !isRequest(type)).map(reference) },
      accept: { action: 'receive', channel, messages: eventTypes.filter(isRequest).map(reference) },
    },
    components: {
      messages: Object.fromEntries(
        eventTypes.map((type) => [
          type,
          {
            name: type,
            contentType: 'application/json',
            payload: detailSchema(type),
            examples: [{ payload: sample(type) }],
          },
        ]),
      ),
    },
  };
}

/** The whole event as an entry of EventBridge's schema registry, with the name that schema discovery would give it. */
export function registrySchema(type: EventType): { readonly name: string; readonly content: JsonSchema } {
  const text = { type: 'string' };
  const { title, ...detail } = detailSchema(type, 'openapi-3.0');
  return {
    name: `${eventSource}@${type}`,
    content: {
      openapi: '3.0.0',
      info: { title, version: eventVersion(type) },
      paths: {},
      components: {
        schemas: {
          AWSEvent: {
            type: 'object',
            required: ['detail-type', 'resources', 'detail', 'id', 'source', 'time', 'region', 'version', 'account'],
            'x-amazon-events-detail-type': type,
            'x-amazon-events-source': eventSource,
            properties: {
              detail: { $ref: '#/components/schemas/Detail' },
              account: text,
              'detail-type': text,
              id: text,
              region: text,
              resources: { type: 'array', items: text },
              source: text,
              time: { ...text, format: 'date-time' },
              version: text,
            },
          },
          Detail: detail,
        },
      },
    },
  };
}
