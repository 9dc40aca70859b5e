import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { detailSchema, eventTypes } from '../core/events/json-schema.ts';
import { eventVersion } from '../core/events/version.ts';
import { root } from './markdown.ts';

/** Writes the schemas of all events to docs/schemas/released.json, with which compatibility.test.ts compares later changes. */
const released = Object.fromEntries(
  eventTypes.map((type) => [type, { version: eventVersion(type), schema: detailSchema(type) }]),
);
writeFileSync(join(root, 'docs', 'schemas', 'released.json'), `${JSON.stringify(released, null, 2)}\n`);
