import * as z from 'zod/mini';
import type { App, Emitted } from './emitted.ts';

/** Reading what was emitted. A check says what is wrong, one line for each problem; none when all is well. */
export type Check = (app: App) => string[];

export function ofType(app: App, type: string): readonly Emitted[] {
  return app.resources.filter((resource) => resource.type === type);
}

/** The resource of this type whose physical name, or Pulumi's, is `name`; one without inputs where there is none. */
export function find(app: App, type: string, name: string): Emitted {
  const found = ofType(app, type).find((resource) => resource.inputs.name === name || resource.name === name);
  return found ?? { type, name, inputs: {}, retained: false };
}

/** The value at a path such as `environment.variables`. */
export function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => {
    if (typeof inner !== 'object' || inner === null) return undefined;
    return new Map<string, unknown>(Object.entries(inner)).get(key);
  }, value);
}

export function textAt(value: unknown, path: string): string {
  const text = at(value, path);
  return typeof text === 'string' ? text : '';
}

export function listAt(value: unknown, path: string): readonly unknown[] {
  const list = at(value, path);
  return Array.isArray(list) ? list : [];
}

const oneOrMore = z.union([z.string(), z.array(z.string())]);
const statement = z.object({
  Effect: z.string(),
  Action: oneOrMore,
  Resource: z.optional(oneOrMore),
  Principal: z.optional(z.unknown()),
  Condition: z.optional(z.unknown()),
});
const policySchema = z.object({ Statement: z.array(statement) });

export interface Statement {
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly principal: unknown;
  readonly condition: unknown;
}

/** The statements of a policy, given as JSON or as what it stands for. */
export function statementsOf(policy: unknown): readonly Statement[] {
  const { Statement } = policySchema.parse(typeof policy === 'string' ? JSON.parse(policy) : policy);
  return Statement.map(({ Effect, Action, Resource = [], Principal, Condition }) => ({
    effect: Effect,
    actions: [Action].flat(),
    resources: [Resource].flat(),
    principal: Principal,
    condition: Condition,
  }));
}

/** Names that are in one list and not in the other. */
export function differences(what: string, wanted: Iterable<string>, found: Iterable<string>): string[] {
  const [all, there] = [new Set(wanted), new Set(found)];
  return [
    ...[...all].filter((name) => !there.has(name)).map((name) => `${what} is missing: ${name}`),
    ...[...there].filter((name) => !all.has(name)).map((name) => `${what} is not in the topology: ${name}`),
  ];
}

export const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

export function stageOf(app: App): string {
  return textAt(app.settings, 'stage');
}

export const isProduction = (app: App): boolean => stageOf(app) === 'production';
export const isLive = (app: App): boolean => app.builds.length === 0;

/** How the app calls one of its things. */
export const named = (app: App, what: string): string => `livechat-${stageOf(app)}-${what}`;
