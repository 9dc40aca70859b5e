import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { detailSchema, eventTypes, isRequest, type JsonSchema } from '../core/events/json-schema.ts';
import { eventVersion } from '../core/events/version.ts';
import { breakingChanges } from './compatibility.ts';
import { root } from './markdown.ts';

const released = z
  .record(z.string(), z.object({ version: z.string(), schema: z.record(z.string(), z.unknown()) }))
  .parse(JSON.parse(readFileSync(join(root, 'docs', 'schemas', 'released.json'), 'utf8')));

describe('docs/schemas/released.json', () => {
  it('has the events of the released version, all of which still exist', () => {
    expect(Object.keys(released).filter((type) => !eventTypes.some((known) => known === type))).toEqual([]);
    expect(Object.keys(released).length).toBeGreaterThan(20);
  });

  it.each(eventTypes)('has no breaking change of %s without a new version', (type) => {
    const before = released[type];
    if (!before || Number(eventVersion(type)) > Number(before.version)) return;
    const direction = isRequest(type) ? 'accepted' : 'published';
    const changes = breakingChanges(before.schema, detailSchema(type), direction);
    expect(changes, `raise the version of ${type}, as CONTRIBUTING.md describes under Events`).toEqual([]);
  });
});

const text = { type: 'string' };
const number = { type: 'number' };
const object = (properties: Readonly<Record<string, object>>, required: readonly string[] = []) => ({
  type: 'object',
  properties,
  required,
});

describe('breakingChanges', () => {
  it.each([
    ['nothing', object({ a: text }, ['a']), object({ a: text }, ['a']), [], []],
    ['a new field', object({}), object({ a: text }), [], []],
    ['a new required field', object({}), object({ a: text }, ['a']), [], ['a: added as required']],
    ['a removed field', object({ a: text }), object({}), ['a: removed'], ['a: removed']],
    ['an optional field made required', object({ a: text }), object({ a: text }, ['a']), [], ['a: made required']],
    ['a required field made optional', object({ a: text }, ['a']), object({ a: text }), ['a: made optional'], []],
    [
      'a field of a field',
      object({ a: object({ b: text }) }),
      object({ a: object({}) }),
      ['a.b: removed'],
      ['a.b: removed'],
    ],
    [
      'a field of a map',
      { ...object({}), additionalProperties: number },
      { ...object({ a: text }), additionalProperties: number },
      ['a: narrowed (no longer number)', 'a: widened (now string)'],
      ['a: narrowed (no longer number)'],
    ],
    ['another title', { ...text, title: 'a' }, { ...text, title: 'b' }, [], []],
  ])('of %s', (_what, before, after, published, accepted) => {
    expect(breakingChanges(before, after, 'published')).toEqual(published);
    expect(breakingChanges(before, after, 'accepted')).toEqual(accepted);
  });

  const both = { anyOf: [text, number] };
  it.each([
    ['fewer values of an enum', { enum: ['a', 'b'] }, { enum: ['a'] }],
    ['an enum of one value, as const', { enum: ['a', 'b'] }, { const: 'a' }],
    ['a text with an enum', text, { ...text, enum: ['a'] }],
    ['a whole number', number, { type: 'integer' }],
    ['a type added to a schema without one', {}, text],
    ['a minimum length', text, { ...text, minLength: 1 }],
    ['a lower maximum', { ...number, maximum: 2 }, { ...number, maximum: 1 }],
    ['a format', text, { ...text, format: 'date-time' }],
    ['one alternative of two', both, text],
    ['two of three alternatives', { anyOf: [text, number, { type: 'null' }] }, both],
    ['items of a list', { items: both }, { items: text }],
    ['values of a map', { additionalProperties: {} }, { additionalProperties: number }],
    ['no further fields', {}, { additionalProperties: false }],
    ['a change in one alternative', both, { anyOf: [{ ...text, minLength: 1 }, number] }],
  ] satisfies [string, JsonSchema, JsonSchema][])(
    'narrowing to %s breaks both, and the reverse breaks only consumers',
    (_what, wide, narrow) => {
      const inField = (schema: JsonSchema) => object({ a: schema });
      for (const wrap of [(schema: JsonSchema) => schema, inField]) {
        const [before, after] = [wrap(wide), wrap(narrow)];
        expect(breakingChanges(before, after, 'published')).toEqual([expect.stringContaining('narrowed')]);
        expect(breakingChanges(before, after, 'accepted')).toEqual([expect.stringContaining('narrowed')]);
        expect(breakingChanges(after, before, 'published')).toEqual([expect.stringContaining('widened')]);
        expect(breakingChanges(after, before, 'accepted')).toEqual([]);
      }
    },
  );

  it('of another type break both', () => {
    expect(breakingChanges(text, number, 'published')).toHaveLength(2);
    expect(breakingChanges(text, number, 'accepted')).toEqual(['(root): narrowed (no longer string)']);
  });

  /** Small schemas, so that many pairs are similar. */
  const { schema: schemas } = fc.letrec<{ schema: JsonSchema }>((tie) => ({
    schema: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constantFrom<JsonSchema>(
        {},
        text,
        number,
        { type: 'integer' },
        { ...number, minimum: 1 },
        { ...text, enum: ['a', 'b'] },
        { ...text, enum: ['a'] },
        { const: 'a' },
        { ...text, minLength: 2 },
      ),
      fc
        .tuple(fc.dictionary(fc.constantFrom('p', 'q'), tie('schema')), fc.subarray(['p', 'q']))
        .map(([properties, required]) =>
          object(
            properties,
            required.filter((name) => name in properties),
          ),
        ),
      tie('schema').map((items) => ({ type: 'array', items })),
      tie('schema').map((additionalProperties) => ({ type: 'object', additionalProperties })),
      fc.tuple(tie('schema'), tie('schema')).map((anyOf) => ({ anyOf })),
    ),
  }));
  const { value: values } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<unknown>('a', 'b', 'long', 0, 1, 1.5, true),
      fc.array(tie('value'), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom('p', 'q', 'r'), tie('value')),
    ),
  }));
  const samples = fc.sample(values, { numRuns: 200, seed: 1 });
  const ajv = new Ajv2020({ strict: false });

  /** Removes the fields that the schema does not name: a writer of this version does not write them. */
  const closed = (schema: JsonSchema): JsonSchema => {
    const { anyOf, items, properties, additionalProperties = properties === undefined } = schema;
    return {
      ...schema,
      ...(Array.isArray(anyOf) && { anyOf: anyOf.map(closed) }),
      ...(isObject(items) && { items: closed(items) }),
      ...(isObject(properties) && { properties: mapValues(properties, closed) }),
      additionalProperties: isObject(additionalProperties) ? closed(additionalProperties) : additionalProperties,
    };
  };

  it.each(['published', 'accepted'] as const)('are found if a reader rejects the data of a writer: %s', (direction) => {
    fc.assert(
      fc.property(schemas, schemas, (before, after) => {
        if (breakingChanges(before, after, direction).length > 0) return;
        const [writer, reader] = direction === 'published' ? [after, before] : [before, after];
        const [written, read] = [ajv.compile(closed(writer)), ajv.compile(reader)];
        expect(samples.filter((value) => written(value) && !read(value))).toEqual([]);
      }),
      // Few pairs are compatible.
      { numRuns: 5_000 },
    );
  });
});

const isObject = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const mapValues = (object: JsonSchema, change: (value: JsonSchema) => JsonSchema): JsonSchema =>
  Object.fromEntries(Object.entries(object).map(([name, value]) => [name, isObject(value) ? change(value) : value]));
