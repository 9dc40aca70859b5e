import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { eventTypes, registrySchema } from '../../core/events/json-schema.ts';
import { appFile, loadApp } from './app.ts';
import { ofType, textAt } from './select.ts';
import { synthesize } from './synthesize.ts';

const schemaType = 'aws:schemas/schema:Schema';

it('has no schemas by default', () => {
  expect(loadApp('production').resources.filter(({ type }) => type.startsWith('aws:schemas/'))).toEqual([]);
});

it('has the schema of each event in a registry with the name of the bus, with SCHEMA_REGISTRY=on', () => {
  const app = loadApp('development');
  expect(ofType(app, 'aws:schemas/registry:Registry')).toMatchObject([{ inputs: { name: 'omnichannel-development' } }]);
  const schemas = ofType(app, schemaType).map(({ inputs }) => inputs);
  expect(schemas.map(({ name }) => name)).toEqual(eventTypes.map((type) => registrySchema(type).name));
  expect(schemas.filter(({ registryName }) => registryName !== 'omnichannel-development')).toEqual([]);
  // The maximum of the registry.
  expect(schemas.filter((inputs) => textAt(inputs, 'content').length > 100_000)).toEqual([]);
});

it('rejects another value of SCHEMA_REGISTRY before the deployment', async () => {
  await synthesize('production', 'deploy', appFile('invalid-registry'), { SCHEMA_REGISTRY: 'yes' });
  const { failures } = JSON.parse(readFileSync(appFile('invalid-registry'), 'utf8'));
  expect(failures.join('\n')).toMatch(/SCHEMA_REGISTRY: expected one of off, on/);
});
