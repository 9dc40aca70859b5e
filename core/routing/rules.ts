import * as z from 'zod/mini';
import type { EventData } from '../events/catalogue.ts';
import { describeIssues, type Issue } from '../events/event.ts';
import { canonicalJson } from '../events/ids.ts';
import { type Priority, priorities } from '../events/schemas.ts';
import {
  type Condition,
  conditionSchema,
  evaluateCondition,
  expected,
  hoursUsed,
  listTests,
  nameSchema,
  objectKeys,
  type Reason,
  textSchema,
  variant,
} from './conditions.ts';
import { days, isTimeZone, type NamedHours, parseInterval, type RoutingFacts } from './facts.ts';

/** Routing rules as stored in JSON: types, schema, evaluation and the planned actions. See docs/reference/routing-rules.md. */
export interface RuleSet {
  readonly comment?: string | undefined;
  /** `first` stops at the first rule that matches; `all` applies every rule that matches. */
  readonly match: 'first' | 'all';
  readonly hours?: NamedHours | undefined;
  readonly rules: readonly Rule[];
}

export interface Rule {
  /** Unique in its rule set; identifies the rule in decisions. */
  readonly name: string;
  readonly comment?: string | undefined;
  /** A rule without a condition matches every chat. */
  readonly when?: Condition | undefined;
  readonly do: Actions;
}

export interface Actions {
  /** Tried in this order until one accepts the chat. */
  readonly transfer?: readonly Target[] | undefined;
  readonly tag?: readonly string[] | undefined;
  readonly priority?: Priority | undefined;
  /** Visible to agents only. */
  readonly note?: string | undefined;
  /** Sent to the customer. */
  readonly answer?: string | undefined;
}

export type Target =
  | { readonly agent: string }
  /** With `queue`, the chat may wait in the group's queue while no agent is free. */
  | { readonly group: number; readonly queue?: boolean | undefined };

/** The rules do not match their schema. Each issue has a field's path and what is expected there, and no values. */
export class InvalidRulesError extends Error {
  override readonly name = 'InvalidRules';
  readonly issues: readonly Issue[];
  constructor(issues: readonly Issue[]) {
    super(issues.map(({ path, message }) => `${path}: ${message}`).join('; '));
    this.issues = issues;
  }
}

/** A stored version must fit into a DynamoDB item, 400 KB. */
const maxBytes = 200_000;
const maxRules = 200;
/** LiveChat's limit for a text. */
const maxTextBytes = 16_384;

const listOf = <T extends z.ZodMiniType>(item: T, what: string) =>
  z
    .array(item, expected(`a list of 1 to 20 ${what}`))
    .check(z.minLength(1, expected(`1 to 20 ${what}`)), z.maxLength(20, expected(`1 to 20 ${what}`)));

const target = variant<Target>((value) => {
  const keys = objectKeys(value);
  if (keys.includes('agent')) return z.strictObject({ agent: textSchema });
  if (!keys.includes('group')) return 'expected an agent or a group';
  return z.strictObject({
    group: z.int(expected('the number of a group')),
    queue: z.optional(z.boolean(expected('true or false'))),
  });
});

const messageText = z.string(expected('a text')).check(
  z.minLength(1, expected('a text')),
  z.refine((value) => Buffer.byteLength(value) <= maxTextBytes, expected('a text of at most 16 KB')),
);

const actions = z
  .strictObject({
    transfer: z.optional(listOf(target, 'targets')),
    tag: z.optional(listOf(textSchema, 'tags')),
    priority: z.optional(z.enum(priorities, expected(`one of ${priorities.join(', ')}`))),
    note: z.optional(messageText),
    answer: z.optional(messageText),
  })
  .check(
    z.refine(
      (value) => Object.keys(value).length > 0,
      expected('at least one of transfer, tag, priority, note, answer'),
    ),
  );

/** A string that passes a test. */
const checkedString = (what: string, isValid: (value: string) => boolean) =>
  z.string(expected(what)).check(z.refine(isValid, expected(what)));

const interval = checkedString('an interval such as 09:00-17:00', (value) => parseInterval(value) !== undefined);

function isDate(value: string): boolean {
  const midnight = Date.parse(`${value}T00:00:00Z`);
  return (
    /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(value)
  );
}

const hours = z.strictObject({
  timeZone: checkedString('an IANA time zone such as Europe/Warsaw', isTimeZone),
  open: z.partialRecord(
    z.enum(days, expected(`one of ${days.join(', ')}`)),
    z.array(interval, expected('a list of intervals')),
  ),
  closedOn: z.optional(z.array(checkedString('a day such as 2026-12-25', isDate), expected('a list of days'))),
});

const rule = z.strictObject({
  name: nameSchema,
  comment: z.optional(z.string()),
  when: z.optional(conditionSchema()),
  do: actions,
});

const ruleSetSchema = z.strictObject({
  comment: z.optional(z.string()),
  match: z.enum(['first', 'all'], expected('first or all')),
  hours: z.optional(z.record(nameSchema, hours)),
  rules: z.array(rule, expected('a list of rules')).check(z.maxLength(maxRules, expected(`at most ${maxRules} rules`))),
});

/** Parses rules from a file, the API or a table. Throws {@link InvalidRulesError}. */
export function parseRules(value: unknown): RuleSet {
  const parsed = ruleSetSchema.safeParse(value);
  if (!parsed.success) throw new InvalidRulesError(describeIssues(parsed.error));
  const ruleSet: RuleSet = parsed.data;
  const issues = [...duplicateNames(ruleSet), ...missingHours(ruleSet), ...sizeIssues(ruleSet)];
  if (issues.length > 0) throw new InvalidRulesError(issues);
  return ruleSet;
}

function duplicateNames({ rules }: RuleSet): Issue[] {
  const names = rules.map(({ name }) => name);
  return names.flatMap((name, index) =>
    names.indexOf(name) < index
      ? { path: `rules.${index}.name`, message: 'expected a name that no other rule has' }
      : [],
  );
}

function missingHours({ rules, hours = {} }: RuleSet): Issue[] {
  return rules.flatMap(({ when }, index) =>
    hoursUsed(when)
      .filter((name) => !Object.hasOwn(hours, name))
      .map((name) => ({
        path: `rules.${index}.when`,
        message: `expected opening hours named ${name} under hours`,
      })),
  );
}

function sizeIssues(ruleSet: RuleSet): Issue[] {
  const bytes = Buffer.byteLength(JSON.stringify(ruleSet));
  return bytes > maxBytes ? [{ path: '(root)', message: `expected at most ${maxBytes} bytes` }] : [];
}

/** Whether a rule may have to wait for the customer's first message. */
export function testsMessage({ rules }: RuleSet): boolean {
  return rules.some(({ when }) => listTests(when).some(({ fact }) => fact === 'message'));
}

/** The result of one rule, and the tests that decided it. */
export interface RuleResult {
  readonly rule: string;
  readonly result: 'matched' | 'not matched' | 'waits';
  readonly reasons: readonly Reason[];
}

export interface Evaluation {
  /** In order; later rules were not evaluated. */
  readonly evaluated: readonly RuleResult[];
  readonly matched: readonly Rule[];
  /** Index of the first rule that needs the customer's first message. It and all later rules wait. */
  readonly waitsAt?: number | undefined;
}

/** More reasons do not help a reader. */
const maxReasons = 5;
const results = { true: 'matched', false: 'not matched', unknown: 'waits' } as const;

/**
 * Evaluates the rules in order, starting at index `from`. If one must wait for the customer's first message, all later
 * rules wait too, so the same rules match whether the message comes now or later. Pure; never throws.
 */
export function evaluateRules({ rules, match, hours }: RuleSet, facts: RoutingFacts, from = 0): Evaluation {
  const evaluated: RuleResult[] = [];
  const matched: Rule[] = [];
  for (const [index, rule] of rules.entries()) {
    if (index < from) continue;
    const { truth, reasons } = evaluateCondition(rule.when ?? { all: [] }, facts, hours);
    evaluated.push({ rule: rule.name, result: results[`${truth}`], reasons: reasons.slice(0, maxReasons) });
    if (truth === 'unknown') return { evaluated, matched, waitsAt: index };
    if (truth) matched.push(rule);
    if (truth && match === 'first') break;
  }
  return { evaluated, matched };
}

/** A stored routing decision, which is also the data of the event. */
export type Decision = EventData<'conversation.routed'>;

/** An action that a rule asks for. */
export type PlannedAction = { readonly rule: string } & (
  | { readonly action: 'tag'; readonly tag: string }
  | { readonly action: 'priority'; readonly priority: Priority }
  | { readonly action: 'answer' | 'note'; readonly text: string }
  | { readonly action: 'transfer'; readonly targets: readonly Target[] }
);

/**
 * The actions of the matched rules, in order of execution. Transfers come last: sending a text requires being in the
 * chat, and a transfer ends that. Targets of several rules are tried in order; the highest priority wins.
 */
export function planActions(matched: readonly Rule[]): PlannedAction[] {
  const collect = (actionsFor: (actions: Actions, rule: string) => readonly PlannedAction[]) =>
    matched.flatMap(({ name, do: actions }) => actionsFor(actions, name));
  const texts = (action: 'answer' | 'note') =>
    collect(({ [action]: text }, rule) => (text === undefined ? [] : [{ rule, action, text }]));
  const tags = new Set<string>();
  const isNew = (tag: string) => !tags.has(tag) && tags.add(tag);
  const ranks = matched.map(({ do: { priority } }) => (priority === undefined ? -1 : priorities.indexOf(priority)));
  const mostUrgent = matched[ranks.indexOf(Math.max(...ranks))];
  return [
    ...collect(({ tag = [] }, rule) => tag.filter(isNew).map((one) => ({ rule, action: 'tag', tag: one }))),
    ...collect(({ priority }, rule) =>
      priority === undefined || rule !== mostUrgent?.name ? [] : [{ rule, action: 'priority', priority }],
    ),
    ...texts('answer'),
    ...texts('note'),
    ...collect(({ transfer }, rule) =>
      transfer === undefined ? [] : [{ rule, action: 'transfer', targets: transfer }],
    ),
  ];
}

/** What rules would do with a thread. */
export interface DryRun {
  readonly matched: readonly string[];
  readonly evaluated: readonly RuleResult[];
  /** In order of execution. */
  readonly actions: readonly PlannedAction[];
  /** The rule that waits for the customer's first message, if any. */
  readonly waitsFor?: string;
}

export interface DryRunComparison {
  readonly inForce: DryRun;
  readonly candidate: DryRun;
  /** Whether the actions differ; names of rules do not count. */
  readonly differs: boolean;
}

/** Evaluates rules without acting. Pure. */
export function dryRun(ruleSet: RuleSet, facts: RoutingFacts): DryRun {
  const { evaluated, matched, waitsAt } = evaluateRules(ruleSet, facts);
  const waitsFor = waitsAt === undefined ? undefined : ruleSet.rules[waitsAt]?.name;
  return {
    matched: matched.map(({ name }) => name),
    evaluated,
    actions: planActions(matched),
    ...(waitsFor !== undefined && { waitsFor }),
  };
}

/** Compares what two rule sets would do with a thread. */
export function compareRules(inForce: RuleSet, candidate: RuleSet, facts: RoutingFacts): DryRunComparison {
  const [before, after] = [dryRun(inForce, facts), dryRun(candidate, facts)];
  const effect = ({ actions, waitsFor }: DryRun) =>
    canonicalJson([actions.map(({ rule: _, ...action }) => action), waitsFor !== undefined]);
  return { inForce: before, candidate: after, differs: effect(before) !== effect(after) };
}
