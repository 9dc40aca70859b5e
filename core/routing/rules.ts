import * as z from 'zod/mini';
import type { EventData } from '../events/catalogue.ts';
import { describeIssues, type Issue, issueText } from '../events/issues.ts';
import { type Priority, priorities } from '../events/schemas.ts';
import {
  conditionSchema,
  evaluateCondition,
  expected,
  listTests,
  nameSchema,
  noVariant,
  objectFields,
  textSchema,
  variant,
} from './conditions.ts';
import { days, isTimeZone, type OpeningHours, parseInterval, type RoutingFacts } from './facts.ts';

/** The rules do not match their schema. Each issue has a field's path and what is expected there, and no values. */
export class InvalidRulesError extends Error {
  override readonly name = 'InvalidRules';
  readonly issues: readonly Issue[];
  constructor(issues: readonly Issue[]) {
    super(issueText(issues));
    this.issues = issues;
  }
}

/** A decision must fit into a DynamoDB item of 400 KB: it has the name of each rule, test and action, and is up to three times as large. */
const maxBytes = 100_000;
const maxRules = 200;
const maxTagsAndTargets = 500;
/** LiveChat's limit for a message. */
const maxTextBytes = 16_384;

/** A string that passes a test. */
const checkedString = (what: string, isValid: (value: string) => boolean) =>
  z.string(expected(what)).check(z.refine(isValid, expected(what)));

const listOf = <T extends z.ZodMiniType>(item: T, what: string) =>
  z
    .array(item, expected(`a list of 1 to 20 ${what}`))
    .check(z.minLength(1, expected(`1 to 20 ${what}`)), z.maxLength(20, expected(`1 to 20 ${what}`)));

const agentTarget = z.strictObject({ agent: textSchema });
const groupTarget = z.strictObject({
  group: z.int(expected('the number of a group')),
  /** The chat may wait in the group's queue while no agent is free. */
  queue: z.optional(z.boolean(expected('true or false'))),
});
export type Target = z.infer<typeof agentTarget> | z.infer<typeof groupTarget>;
const target = variant<Target>((value) => {
  const fields = objectFields(value);
  if ('agent' in fields) return agentTarget;
  return 'group' in fields ? groupTarget : noVariant('an agent or a group');
});

const messageText = z.string(expected('a text')).check(
  z.minLength(1, expected('a text')),
  z.refine((value) => Buffer.byteLength(value) <= maxTextBytes, expected('a text of at most 16 KB')),
);

const actionFields = {
  /** Tried in this order until one accepts the chat. */
  transfer: z.optional(listOf(target, 'targets')),
  tag: z.optional(listOf(textSchema, 'tags')),
  priority: z.optional(z.enum(priorities, expected(`one of ${priorities.join(', ')}`))),
  /** Visible to agents only. */
  note: z.optional(messageText),
  /** Sent to the customer. */
  answer: z.optional(messageText),
};
const actions = z
  .strictObject(actionFields)
  .check(
    z.refine(
      (value) => Object.keys(value).length > 0,
      expected(`at least one of ${Object.keys(actionFields).join(', ')}`),
    ),
  );
export type Actions = z.infer<typeof actions>;

const interval = checkedString('an interval such as 09:00-17:00', (value) => parseInterval(value) !== undefined);

const hours: z.ZodMiniType<OpeningHours> = z.strictObject({
  timeZone: checkedString('an IANA time zone such as Europe/Warsaw', isTimeZone),
  open: z.partialRecord(
    z.enum(days, expected(`one of ${days.join(', ')}`)),
    z.array(interval, expected('a list of intervals')),
  ),
  closedOn: z.optional(z.array(z.iso.date(expected('a day such as 2026-12-25')), expected('a list of days'))),
});

const rule = z.strictObject({
  /** Unique in its rule set; identifies the rule in decisions. */
  name: nameSchema,
  comment: z.optional(z.string()),
  /** A rule without a condition matches every chat. */
  when: z.optional(conditionSchema()),
  do: actions,
});
export type Rule = z.infer<typeof rule>;

/** A rule set as stored in JSON. See docs/reference/routing-rules.md. */
const ruleSetSchema = z.strictObject({
  comment: z.optional(z.string()),
  /** `first` stops at the first rule that matches; `all` applies every rule that matches. */
  match: z.enum(['first', 'all'], expected('first or all')),
  hours: z.optional(z.record(nameSchema, hours)),
  rules: z.array(rule, expected('a list of rules')).check(z.maxLength(maxRules, expected(`at most ${maxRules} rules`))),
});
export type RuleSet = z.infer<typeof ruleSetSchema>;

/** Parses rules from a file, the API or a table. Throws {@link InvalidRulesError}. */
export function parseRules(value: unknown): RuleSet {
  const parsed = ruleSetSchema.safeParse(value);
  const issues = parsed.success ? findConflicts(parsed.data) : describeIssues(parsed.error);
  if (!parsed.success || issues.length > 0) throw new InvalidRulesError(issues);
  return parsed.data;
}

/** Checks what concerns several rules. */
function findConflicts(ruleSet: RuleSet): Issue[] {
  const { rules, hours = {} } = ruleSet;
  const names = rules.map(({ name }) => name);
  const issues = rules.flatMap(({ name, when }, index) => {
    const missingHours = listTests(when)
      .map(({ test: { fact } }) => fact)
      .filter((fact) => fact.startsWith('hours.') && !Object.hasOwn(hours, fact.slice('hours.'.length)));
    return [
      ...(names.indexOf(name) < index
        ? [{ path: `rules.${index}.name`, message: 'expected a name that no other rule has' }]
        : []),
      ...missingHours.map((fact) => ({
        path: `rules.${index}.when`,
        message: `expected opening hours named ${fact.slice('hours.'.length)} under hours`,
      })),
    ];
  });
  const isTooLarge = Buffer.byteLength(JSON.stringify(ruleSet)) > maxBytes;
  if (isTooLarge) issues.push({ path: '(root)', message: `expected at most ${maxBytes} bytes` });
  const tagsAndTargets = rules.flatMap(({ do: { tag = [], transfer = [] } }) => [...tag, ...transfer]).length;
  if (tagsAndTargets > maxTagsAndTargets)
    issues.push({ path: 'rules', message: `expected at most ${maxTagsAndTargets} tags and targets` });
  return issues;
}

/** Whether a rule may have to wait for the customer's first message. */
export function testsMessage({ rules }: RuleSet): boolean {
  return rules.some(({ when }) => listTests(when).some(({ test }) => test.fact === 'message'));
}

/** A stored routing decision, which is also the data of the event. */
export type Decision = EventData<'conversation.routed'>;

/** The result of one rule, and the tests that decided it. */
export type RuleResult = Decision['evaluated'][number];

/** What rules do with a thread. */
export interface Evaluation {
  /** In order. Later rules are not evaluated: one matched with `match: first`, or the last of these waits. */
  readonly evaluated: RuleResult[];
  /** Names of the rules that matched. */
  readonly matched: readonly string[];
  /** What these ask for, in order of execution. */
  readonly actions: readonly PlannedAction[];
  /** Index of the first rule that needs the customer's first message. It and all later rules wait. */
  readonly waitsFrom?: number | undefined;
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
  let waitsFrom: number | undefined;
  for (const [index, rule] of rules.entries()) {
    if (index < from) continue;
    const { truth, reasons } = evaluateCondition(rule.when ?? { all: [] }, facts, hours);
    evaluated.push({ rule: rule.name, result: results[`${truth}`], reasons: reasons.slice(0, maxReasons) });
    if (truth === true) matched.push(rule);
    if (truth === 'unknown') waitsFrom = index;
    if (truth === 'unknown' || (truth && match === 'first')) break;
  }
  return { evaluated, matched: matched.map(({ name }) => name), actions: planActions(matched), waitsFrom };
}

/** An action that a rule asks for. */
export type PlannedAction = { readonly rule: string } & (
  | { readonly action: 'tag'; readonly tag: string }
  | { readonly action: 'priority'; readonly priority: Priority }
  | { readonly action: 'answer' | 'note'; readonly text: string }
  | { readonly action: 'transfer'; readonly target: Target }
);

/**
 * The actions of the matched rules, in order of execution. Transfers come last: sending a message requires being in the
 * chat, and a transfer ends that. There is one for each target of each rule; the chat is transferred to the first that
 * accepts it. Each tag is added once, and only the highest priority applies.
 */
export function planActions(matched: readonly Rule[]): PlannedAction[] {
  const tags = new Map<string, PlannedAction>();
  const ranks: readonly (Priority | undefined)[] = priorities;
  let highest: Extract<PlannedAction, { action: 'priority' }> | undefined;
  for (const { name: rule, do: actions } of matched) {
    const { tag = [], priority } = actions;
    for (const one of tag) if (!tags.has(one)) tags.set(one, { rule, action: 'tag', tag: one });
    if (priority && ranks.indexOf(priority) > ranks.indexOf(highest?.priority))
      highest = { rule, action: 'priority', priority };
  }
  const texts = (action: 'answer' | 'note') =>
    matched.flatMap(({ name: rule, do: { [action]: text } }) => (text === undefined ? [] : { rule, action, text }));
  const transfers = matched.flatMap(({ name: rule, do: { transfer = [] } }) =>
    transfer.map((target) => ({ rule, action: 'transfer' as const, target })),
  );
  return [...tags.values(), ...(highest ? [highest] : []), ...texts('answer'), ...texts('note'), ...transfers];
}
