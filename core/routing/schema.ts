import * as z from 'zod/mini';
import { describeIssues, type Issue } from '../events/issues.ts';
import { priorities } from '../events/schemas.ts';
import { condition, expected, keysOf, nameText, picked, text } from './condition-schema.ts';
import { split } from './facts.ts';
import { isTimeZone, minutesOf } from './hours.ts';
import { days, type RuleSet, type Target, testsIn } from './rules.ts';

/** The rules do not fit their schema. Each issue names a field by its path and says what was expected; values are not told. */
export class InvalidRulesError extends Error {
  override readonly name = 'InvalidRules';
  readonly issues: readonly Issue[];
  constructor(issues: readonly Issue[]) {
    super(issues.map(({ path, message }) => `${path}: ${message}`).join('; '));
    this.issues = issues;
  }
}

/** A stored version must stay within DynamoDB's item, 400 KB. */
const mostBytes = 200_000;
const mostRules = 200;
/** LiveChat's limit for a text. */
const mostTextBytes = 16_384;

const listOf = <T extends z.ZodMiniType>(item: T, what: string) =>
  z
    .array(item, expected(`a list of 1 to 20 ${what}`))
    .check(z.minLength(1, expected(`1 to 20 ${what}`)), z.maxLength(20, expected(`1 to 20 ${what}`)));

const target = picked<Target>((value) => {
  const keys = keysOf(value);
  if (keys.includes('agent')) return z.strictObject({ agent: text });
  if (!keys.includes('group')) return 'expected an agent or a group';
  return z.strictObject({
    group: z.int(expected('the number of a group')),
    queue: z.optional(z.boolean(expected('true or false'))),
  });
});

const said = z.string(expected('a text')).check(
  z.minLength(1, expected('a text')),
  z.refine((value) => Buffer.byteLength(value) <= mostTextBytes, expected('a text of at most 16 KB')),
);

const anAction = expected('at least one of transfer, tag, priority, note, answer');
const actions = z
  .strictObject({
    transfer: z.optional(listOf(target, 'targets')),
    tag: z.optional(listOf(text, 'tags')),
    priority: z.optional(z.enum(priorities, expected(`one of ${priorities.join(', ')}`))),
    note: z.optional(said),
    answer: z.optional(said),
  })
  .check(z.refine((value) => Object.keys(value).length > 0, anAction));

const anInterval = expected('an interval such as 09:00-17:00');
const interval = z.string(anInterval).check(z.refine((value) => minutesOf(value) !== undefined, anInterval));
const intervals = z.array(interval, expected('a list of intervals'));
const aZone = expected('an IANA time zone such as Europe/Warsaw');
const aDay = expected('a day such as 2026-12-25');
const date = z.string(aDay).check(z.refine(isDate, aDay));

function isDate(value: string): boolean {
  const midnight = Date.parse(`${value}T00:00:00Z`);
  return (
    /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(value)
  );
}

const hours = z.strictObject({
  timeZone: z.string(aZone).check(z.refine(isTimeZone, aZone)),
  open: z.partialRecord(z.enum(days, expected(`one of ${days.join(', ')}`)), intervals),
  closedOn: z.optional(z.array(date, expected('a list of days'))),
});

const rule = z.strictObject({
  name: nameText,
  comment: z.optional(z.string()),
  when: z.optional(condition()),
  do: actions,
});

const ruleSet = z.strictObject({
  comment: z.optional(z.string()),
  match: z.enum(['first', 'all'], expected('first or all')),
  hours: z.optional(z.record(nameText, hours)),
  rules: z
    .array(rule, expected('a list of rules'))
    .check(z.maxLength(mostRules, expected(`at most ${mostRules} rules`))),
});

/** Checks rules as they come from a file or the API. Throws {@link InvalidRulesError}. */
export function parseRules(value: unknown): RuleSet {
  const parsed = ruleSet.safeParse(value);
  if (!parsed.success) throw new InvalidRulesError(describeIssues(parsed.error));
  const rules: RuleSet = parsed.data;
  const issues = [...doubles(rules), ...unknownHours(rules), ...tooLarge(rules)];
  if (issues.length > 0) throw new InvalidRulesError(issues);
  return rules;
}

function doubles({ rules }: RuleSet): Issue[] {
  const names = rules.map(({ name }) => name);
  return names.flatMap((name, index) =>
    names.indexOf(name) < index
      ? { path: `rules.${index}.name`, message: 'expected a name that no other rule has' }
      : [],
  );
}

function unknownHours({ rules, hours = {} }: RuleSet): Issue[] {
  return rules.flatMap(({ when }, index) =>
    testsIn(when).flatMap(({ fact }) => {
      const [family, name] = split(fact);
      if (family !== 'hours' || Object.hasOwn(hours, name)) return [];
      return { path: `rules.${index}.when`, message: `expected opening hours named ${name} under hours` };
    }),
  );
}

function tooLarge(rules: RuleSet): Issue[] {
  const bytes = Buffer.byteLength(JSON.stringify(rules));
  return bytes > mostBytes ? [{ path: '(root)', message: `expected at most ${mostBytes} bytes` }] : [];
}
