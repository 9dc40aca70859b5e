import type { Priority } from '../events/schemas.ts';

/** Routing rules, as they stand in JSON. What each part means, with examples, is in docs/reference/routing-rules.md. */

/** What decides where a chat goes, of one organization. */
export interface RuleSet {
  readonly comment?: string | undefined;
  /** Whether the first rule that matches is the last that is looked at, or every rule that matches counts. */
  readonly match: 'first' | 'all';
  /** Opening hours by name, for conditions on `hours.<name>`. */
  readonly hours?: Readonly<Record<string, OpeningHours>> | undefined;
  readonly rules: readonly Rule[];
}

export interface Rule {
  /** Unique in its rule set; how decisions speak of it. */
  readonly name: string;
  readonly comment?: string | undefined;
  /** A rule without conditions matches every chat. */
  readonly when?: Condition | undefined;
  readonly do: Actions;
}

export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | Test;

/** One fact and exactly one operator. A list means any of it. */
export interface Test {
  /** Such as `country`, `session.plan` or `hours.office`. */
  readonly fact: string;
  readonly is?: Operand | undefined;
  readonly startsWith?: Operand | undefined;
  readonly endsWith?: Operand | undefined;
  readonly contains?: Operand | undefined;
  readonly words?: Operand | undefined;
  readonly atLeast?: number | undefined;
  readonly below?: number | undefined;
  readonly exists?: boolean | undefined;
}

export type Operand = string | number | boolean | readonly (string | number)[];

export interface Actions {
  /** RuleResult in this order until one takes the chat. */
  readonly transfer?: readonly Target[] | undefined;
  readonly tag?: readonly string[] | undefined;
  readonly priority?: Priority | undefined;
  /** For agents' eyes only. */
  readonly note?: string | undefined;
  /** Sent to the customer. */
  readonly answer?: string | undefined;
}

export type Target =
  | { readonly agent: string }
  /** With `queue`, the chat may wait in the group's queue when nobody there is free. */
  | { readonly group: number; readonly queue?: boolean | undefined };

export const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof days)[number];

export interface OpeningHours {
  /** IANA name, such as Europe/Warsaw. */
  readonly timeZone: string;
  /** Intervals as `09:00-17:00`, on the clock of the time zone; one that ends before it begins goes on into the next day. */
  readonly open: Readonly<Partial<Record<Day, readonly string[]>>>;
  /** Days, as YYYY-MM-DD, on which no interval begins. */
  readonly closedOn?: readonly string[] | undefined;
}

export function isTest(condition: Condition): condition is Test {
  return 'fact' in condition;
}

/** The part of a condition at a path such as `when.all.1.not`, where the condition is `when`. */
export function partAt(condition: Condition, path: string): Condition | undefined {
  const steps = path.split('.').slice(1);
  const part = steps.reduce<unknown>((now, step) => new Map(Object.entries(now ?? {})).get(step), condition);
  return isCondition(part) ? part : undefined;
}

function isCondition(part: unknown): part is Condition {
  return typeof part === 'object' && part !== null && ['all', 'any', 'not', 'fact'].some((key) => key in part);
}

/** Every test in a condition, wherever it stands. */
export function testsIn(condition: Condition | undefined): Test[] {
  if (condition === undefined) return [];
  if (isTest(condition)) return [condition];
  if ('not' in condition) return testsIn(condition.not);
  return ('all' in condition ? condition.all : condition.any).flatMap(testsIn);
}

/** Whether any rule may have to wait for what the customer writes first. */
export function asksForMessage({ rules }: RuleSet): boolean {
  return rules.some(({ when }) => testsIn(when).some(({ fact }) => fact === 'message'));
}
