import * as z from 'zod/mini';
import type { App, Resource } from './app.ts';

/** Returns one line per problem. */
export type Check = (app: App) => string[];

export function ofType(app: App, type: string): readonly Resource[] {
  return app.resources.filter((resource) => resource.type === type);
}

/** The resource of this type with this physical or Pulumi name. If it does not exist, one without inputs. */
export function find(app: App, type: string, name: string): Resource {
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

/** The statements of a policy, given as JSON text or as an object. */
export function parseStatements(policy: unknown): readonly Statement[] {
  const { Statement } = policySchema.parse(typeof policy === 'string' ? JSON.parse(policy) : policy);
  return Statement.map(({ Effect, Action, Resource = [], Principal, Condition }) => ({
    effect: Effect,
    actions: [Action].flat(),
    resources: [Resource].flat(),
    principal: Principal,
    condition: Condition,
  }));
}

/** Reports names that are in only one of the lists. */
export function differences(kind: string, expected: Iterable<string>, actual: Iterable<string>): string[] {
  const [all, there] = [new Set(expected), new Set(actual)];
  return [
    ...[...all].filter((name) => !there.has(name)).map((name) => `${kind} is missing: ${name}`),
    ...[...there].filter((name) => !all.has(name)).map((name) => `${kind} is not in the topology: ${name}`),
  ];
}

/** True, or what is wrong. */
export type Problem = string | true;

export const report = (subject: string, problems: readonly Problem[]): string[] =>
  problems.flatMap((problem) => (problem === true ? [] : [`${subject}: ${problem}`]));

export const isEqual = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

export function stageName(app: App): string {
  return textAt(app.settings, 'stage');
}

export const isProduction = (app: App): boolean => stageName(app) === 'production';
export const isLive = (app: App): boolean => app.builds.length === 0;

/** The physical name of a resource. */
export const resourceName = (app: App, name: string): string => `livechat-${stageName(app)}-${name}`;

/** The Pulumi name of a component: `dead-letters` → `DeadLetters`. */
export const componentName = (name: string): string =>
  name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
