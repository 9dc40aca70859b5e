import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import asyncApiSpecification from '@asyncapi/specs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { eventSample, root } from '../../test/markdown.ts';
import { asyncApi, detailSchema, eventTypes, registrySchema } from './json-schema.ts';
import { eventVersion } from './version.ts';

/** Update the files with `npx vitest run core/events/json-schema.test.ts -u`. */
const matchFile = (document: object, path: string) =>
  expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot(join(root, 'docs', path));

describe('docs/schemas', () => {
  it.each(eventTypes)('has the schema of %s, which accepts the sample of the reference', async (type) => {
    const schema = detailSchema(type);
    await matchFile(schema, `schemas/${type}.v${eventVersion(type)}.json`);
    const ajv = formats.default(new Ajv2020({ strictTypes: false }));
    expect(ajv.validate(schema, eventSample(type)) || ajv.errors).toBe(true);
  });

  it('has no other file', () => {
    const files = readdirSync(join(root, 'docs', 'schemas'));
    const expected = eventTypes.flatMap((type) =>
      Array.from({ length: Number(eventVersion(type)) }, (_, index) => `${type}.v${index + 1}.json`),
    );
    expect(files.toSorted()).toEqual([...expected, 'released.json'].toSorted());
  });
});

describe('docs/asyncapi.json', () => {
  const document = asyncApi('omnichannel', eventSample);

  it('matches the catalogue and the samples', () => matchFile(document, 'asyncapi.json'));

  it('is valid AsyncAPI 3.0', () => {
    const ajv = formats.default(new Ajv({ strict: false }));
    const validate = ajv.compile(Object.fromEntries(Object.entries(asyncApiSpecification.schemasWithoutId['3.0.0'])));
    expect(validate(document) || validate.errors).toBe(true);
  });
});

describe('the schema registry', () => {
  const validator = new Validator();

  it.each(eventTypes)('has a valid OpenAPI document of %s', async (type) => {
    const { name, content } = registrySchema(type);
    expect(name).toBe(`omnichannel.livechat@${type}`);
    expect(await validator.validate({ ...content })).toEqual({ valid: true });
  });
});
