import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { failure, outputs } from './output-schema.ts';

const toJsonSchema = (schema: z.ZodMiniType): object => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    // Readers accept fields that later versions add.
    io: 'input',
    override: ({ jsonSchema }) => {
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
    },
  });
  return rest;
};

test('docs/reference/cli.schema.json matches the schemas (update it with npx vitest run output-schema -u)', async () => {
  const schemas = Object.entries<z.ZodMiniType>({ ...outputs, failure });
  const document = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'The output of livechat --json',
    description:
      'The output of each command, by its name. `failure` is the output of any command that fails as a whole.',
    $defs: Object.fromEntries(schemas.map(([command, schema]) => [command, toJsonSchema(schema)])),
  };
  await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot('../docs/reference/cli.schema.json');
});
