import { expect, it } from 'vitest';
import * as z from 'zod/mini';
import { organizationId } from '../../test/arbitraries.ts';
import { fixture, order } from '../../test/fixtures.ts';
import { translate } from './translate.ts';

interface Variant {
  readonly path: string;
  readonly missing: unknown;
  readonly isNull: unknown;
}

/** For each field of a value, at any depth: the value without it, and with null in its place. */
function variants(value: unknown): Variant[] {
  if (typeof value !== 'object' || value === null) return [];
  const isList = Array.isArray(value);
  return Object.entries(value).flatMap(([name, field]) => {
    const replace = (by: unknown): unknown => (isList ? value.with(Number(name), by) : { ...value, [name]: by });
    const inner = variants(field).map(({ path, missing, isNull }) => ({
      path: `${name}.${path}`,
      missing: replace(missing),
      isNull: replace(isNull),
    }));
    return isList ? inner : [{ path: name, missing: replace(undefined), isNull: replace(null) }, ...inner];
  });
}

const webhook = z.looseObject({ action: z.string(), payload: z.unknown() });

/** The events as JSON, without the fields that contain parts of the payload as they are. */
function events(action: string, payload: unknown): { type: string; data: object }[] {
  const translated = translate({ organizationId, action, payload, receivedAt: '2026-03-11T09:14:30.000Z' }, {});
  const asGiven = { content: undefined, metadata: undefined, rawPayload: undefined, message: undefined };
  return JSON.parse(JSON.stringify(translated.map(({ type, data }) => ({ type, data: { ...data, ...asGiven } }))));
}

it.each(order())('%s with null in place of a field is translated as without the field', (name) => {
  const { action, payload } = webhook.parse(fixture(name));
  for (const { path, missing, isNull } of variants(payload)) {
    const expected = events(action, missing);
    // The value of a session field is text. An unknown visibility must not become visible.
    const isOther = /session_fields\.|event(s\.\d+)?\.visibility$/.test(path);
    const isRequired = expected.some(({ type }) => type === 'webhook.rejected');
    if (!isOther && !isRequired) expect(events(action, isNull), path).toEqual(expected);
  }
});

it('an event with null in place of the visibility is visible to agents only', () => {
  const event = { id: 'T_1', type: 'message', created_at: '2026-03-11T09:14:14.120349Z', visibility: null };
  const payload = { chat_id: 'C', thread_id: 'T', event };
  expect(events('incoming_event', payload)).toMatchObject([{ type: 'note.received', data: { visibility: 'agents' } }]);
});
