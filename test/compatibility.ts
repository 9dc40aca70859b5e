import { isDeepStrictEqual } from 'node:util';
import type { JsonSchema } from '../core/events/json-schema.ts';

/** `published`: the bridge writes and others read. `accepted`: others write and the bridge reads. */
export type Direction = 'published' | 'accepted';

interface Difference {
  /** The field; `[]` is an item of a list or a value of a map. */
  readonly path: string;
  readonly kind: 'narrowed' | 'widened' | 'removed' | 'added' | 'added as required' | 'made required' | 'made optional';
  /** The narrowed or widened part of a type. */
  readonly what?: string;
}

/**
 * A published field must keep its type and must not be removed: consumers rely on both. The type of an accepted field can only
 * become wider: senders rely on the acceptance of their values.
 */
const breaking: Readonly<Record<Direction, ReadonlySet<Difference['kind']>>> = {
  published: new Set(['removed', 'narrowed', 'widened', 'made optional']),
  accepted: new Set(['removed', 'narrowed', 'added as required', 'made required']),
};

/** The changes from one JSON Schema to another that break consumers (of published data) or senders (of accepted data). */
export function breakingChanges(before: JsonSchema, after: JsonSchema, direction: Direction): string[] {
  return compare(before, after, '')
    .filter(({ kind }) => breaking[direction].has(kind))
    .map((one) => `${one.path || '(root)'}: ${one.kind}${one.what ? ` (${one.what})` : ''}`);
}

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const toSchema = (value: unknown): JsonSchema => (isSchema(value) ? value : {});
const toList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function compare(before: JsonSchema, after: JsonSchema, path: string): Difference[] {
  if (isDeepStrictEqual(before, after)) return [];
  const [old, now] = [alternatives(before), alternatives(after)];
  if (old || now) return compareAlternatives(old ?? [before], now ?? [after], path);
  return [
    ...compareTypes(before, after, path),
    ...compareValues(before, after, path),
    ...compareLimits(before, after, path),
    ...compareProperties(before, after, path),
    ...compareContents(before, after, path),
    ...compareOthers(before, after, path),
  ];
}

function alternatives(schema: JsonSchema): readonly JsonSchema[] | undefined {
  const list = schema.anyOf ?? schema.oneOf;
  return Array.isArray(list) ? list.filter(isSchema) : undefined;
}

/** Ignores equal alternatives. Compares a changed alternative with its new version. */
function compareAlternatives(old: readonly JsonSchema[], now: readonly JsonSchema[], path: string): Difference[] {
  const without = (list: readonly JsonSchema[], others: readonly JsonSchema[]) =>
    list.filter((one) => !others.some((other) => isDeepStrictEqual(one, other)));
  const [lost, gained] = [without(old, now), without(now, old)];
  if (lost.length === gained.length) return lost.flatMap((one, index) => compare(one, toSchema(gained[index]), path));
  return [
    ...lost.map(() => narrowed(path, 'an alternative was removed')),
    ...gained.map(() => widened(path, 'an alternative was added')),
  ];
}

const narrowed = (path: string, what: string): Difference => ({ path, kind: 'narrowed', what });
const widened = (path: string, what: string): Difference => ({ path, kind: 'widened', what });

function compareTypes(before: JsonSchema, after: JsonSchema, path: string): Difference[] {
  const { type: old } = before;
  const { type: now } = after;
  if (old === now) return [];
  if (old === undefined || (old === 'number' && now === 'integer')) return [narrowed(path, `to ${now}`)];
  if (now === undefined || (old === 'integer' && now === 'number')) return [widened(path, `from ${old}`)];
  return [narrowed(path, `no longer ${old}`), widened(path, `now ${now}`)];
}

/** `const` and `enum`: undefined allows every value. */
function compareValues(before: JsonSchema, after: JsonSchema, path: string): Difference[] {
  const [old, now] = [values(before), values(after)];
  const lost = now && (old ? old.filter((value) => !now.includes(value)) : ['other values']);
  const gained = old && (now ? now.filter((value) => !old.includes(value)) : ['other values']);
  return [
    ...(lost ?? []).map((value) => narrowed(path, `no longer ${value}`)),
    ...(gained ?? []).map((value) => widened(path, `now also ${value}`)),
  ];
}

function values({ const: only, enum: several }: JsonSchema): readonly unknown[] | undefined {
  return only === undefined ? (several === undefined ? undefined : toList(several)) : [only];
}

const limits = [
  ...['minimum', 'minLength', 'minItems', 'exclusiveMinimum'].map((name) => ({ name, isLower: true })),
  ...['maximum', 'maxLength', 'maxItems', 'exclusiveMaximum'].map((name) => ({ name, isLower: false })),
];

function compareLimits(before: JsonSchema, after: JsonSchema, path: string): Difference[] {
  return limits.flatMap(({ name, isLower }) => {
    const none = isLower ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    const [old, now] = [Number(before[name] ?? none), Number(after[name] ?? none)];
    if (old === now) return [];
    return [(isLower ? now > old : now < old) ? narrowed(path, name) : widened(path, name)];
  });
}

function compareProperties(before: JsonSchema, after: JsonSchema, path: string): Difference[] {
  const [old, now] = [toSchema(before.properties), toSchema(after.properties)];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((name): Difference[] => {
    const at = path ? `${path}.${name}` : name;
    const [was, is] = [isRequired(before, name), isRequired(after, name)];
    // The values of a map have a schema too.
    const [schema, nowSchema] = [old[name] ?? before.additionalProperties, now[name] ?? after.additionalProperties];
    if (!isSchema(nowSchema)) return [{ path: at, kind: 'removed' }];
    if (!isSchema(schema)) return [{ path: at, kind: is ? 'added as required' : 'added' }];
    return [...comparePresence(was, is, at), ...compare(schema, nowSchema, at)];
  });
}

const isRequired = ({ required }: JsonSchema, name: string) => toList(required).includes(name);

function comparePresence(was: boolean, is: boolean, path: string): Difference[] {
  return was === is ? [] : [{ path, kind: is ? 'made required' : 'made optional' }];
}

/** The schemas of list items, of map values and of map keys. `false` allows none, and no schema allows all. */
function compareContents(before: JsonSchema, after: JsonSchema, path: string): Difference[] {
  return ['items', 'additionalProperties', 'propertyNames'].flatMap((name) => {
    const [old, now] = [before[name], after[name]];
    const at = `${path}[]`;
    if ((old === false) === (now === false)) return compare(toSchema(old), toSchema(now), at);
    return [now === false ? narrowed(at, 'no longer allowed') : widened(at, 'now allowed')];
  });
}

const documentation = ['$schema', 'title', 'description', 'examples'];
const compared = new Set([
  ...documentation,
  ...limits.map(({ name }) => name),
  ...['type', 'const', 'enum', 'anyOf', 'oneOf', 'properties', 'required'],
  ...['items', 'additionalProperties', 'propertyNames'],
]);

/** Compares other keywords, such as `format` and `pattern`, by presence: any change of a value narrows and widens. */
function compareOthers(before: JsonSchema, after: JsonSchema, path: string): Difference[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)].filter((name) => !compared.has(name)));
  return [...names].flatMap((name) => {
    if (isDeepStrictEqual(before[name], after[name])) return [];
    if (before[name] === undefined) return [narrowed(path, name)];
    return after[name] === undefined ? [widened(path, name)] : [narrowed(path, name), widened(path, name)];
  });
}
