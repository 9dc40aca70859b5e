import * as z from 'zod/mini';
import { type Pattern, patternOf } from '../../stacks/topology.ts';
import { accountId, region, ruleArn, stateMachineArn } from '../lambda/names.ts';
import { AwsError, unsupported } from './answers.ts';
import { parseInput } from './input.ts';
import { paged } from './paging.ts';
import { compilePattern } from './pattern.ts';

/** What a rule starts, by the names of the topology. */
export type Target = { readonly function: string } | { readonly stateMachine: string } | { readonly queue: string };

export interface Rule {
  readonly pattern: Pattern;
  readonly target: Target;
  /** Our own when left out. */
  readonly bus?: string;
  readonly ofStateMachine?: string;
}

/** A rule that an event matched. */
export interface Match {
  readonly rule: string;
  readonly bus: string;
  readonly target: Target;
  /** The ARN of the queue for what the target does not take; without one it is lost. */
  readonly deadLetters: string | undefined;
}

/** The bus that AWS's own events come on. */
export const defaultBus = 'default';

const onBus = { EventBusName: z.optional(z.string()) };
const page = { Limit: z.optional(z.number()), NextToken: z.optional(z.string()) };
const listSchema = z.object({ ...onBus, ...page });
const ruleSchema = z.object({ Name: z.string(), ...onBus });
const targetsSchema = z.object({ Rule: z.string(), ...onBus });
const removeSchema = z.object({ Rule: z.string(), Ids: z.array(z.string()), ...onBus });
const putSchema = z.object({
  Rule: z.string(),
  Targets: z.array(
    z.object({
      Id: z.string(),
      Arn: z.string(),
      DeadLetterConfig: z.optional(z.object({ Arn: z.optional(z.string()) })),
    }),
  ),
  ...onBus,
});
const busSchema = z.object({ Name: z.optional(z.string()) });

/** The one target that every rule here has. */
const targetId = 'target';

export interface RulesOptions {
  readonly busName: string;
  readonly rules: Readonly<Record<string, Rule>>;
  arnOf(target: Target): string;
  /** The ARN of the queue that every rule's target has for what it does not take. */
  readonly deadLetters: string;
}

/** The rules of our own bus and of the default one, and the part of EventBridge's API that looks at them and takes them away. */
export function createRules({ busName, rules: given, arnOf, deadLetters }: RulesOptions) {
  const rules = Object.entries(given).map(([name, rule], number) => {
    const pattern = patternOf(rule, stateMachineArn);
    const match: Match = { rule: name, bus: rule.bus ?? busName, target: rule.target, deadLetters };
    return { match, number, pattern, matches: compilePattern(pattern), enabled: true, targeted: true };
  });
  type Known = (typeof rules)[number];

  function busOf(name = defaultBus): string {
    const short = name.slice(name.lastIndexOf('/') + 1);
    if (short !== busName && short !== defaultBus) {
      throw new AwsError('ResourceNotFoundException', `Event bus ${short} does not exist.`);
    }
    return short;
  }

  function find(name: string, bus: string | undefined): Known {
    const on = busOf(bus);
    const found = rules.find(({ match }) => match.rule === name && match.bus === on);
    if (!found) throw new AwsError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus ${on}.`);
    return found;
  }

  const view = ({ match, pattern, enabled }: Known) => ({
    Name: match.rule,
    Arn: ruleArn(match.bus, match.rule),
    EventBusName: match.bus,
    EventPattern: JSON.stringify(pattern),
    State: enabled ? 'ENABLED' : 'DISABLED',
  });

  const setEnabled = (enabled: boolean) => (input: unknown) => {
    const { Name, EventBusName } = parseInput(ruleSchema, input);
    find(Name, EventBusName).enabled = enabled;
    return {};
  };

  const operations: Readonly<Record<string, (input: unknown) => unknown>> = {
    DescribeEventBus(input) {
      const name = busOf(parseInput(busSchema, input).Name);
      return { Name: name, Arn: `arn:aws:events:${region}:${accountId}:event-bus/${name}` };
    },
    ListRules(input) {
      const { EventBusName, Limit, NextToken } = parseInput(listSchema, input);
      const on = busOf(EventBusName);
      const wanted = { ...(Limit && { maxResults: Limit }), ...(NextToken && { nextToken: NextToken }) };
      const { items, nextToken } = paged(
        rules.filter(({ match }) => match.bus === on),
        wanted,
        ({ number }) => number,
      );
      return { Rules: items.map(view), NextToken: nextToken };
    },
    ListTargetsByRule(input) {
      const { Rule, EventBusName } = parseInput(targetsSchema, input);
      const { match, targeted } = find(Rule, EventBusName);
      if (!targeted) return { Targets: [] };
      const letters = match.deadLetters !== undefined && { DeadLetterConfig: { Arn: match.deadLetters } };
      return { Targets: [{ Id: targetId, Arn: arnOf(match.target), ...letters }] };
    },
    /** Puts a rule's own target back, or gives it another dead-letter queue: other targets it cannot have here. */
    PutTargets(input) {
      const { Rule, EventBusName, Targets } = parseInput(putSchema, input);
      const rule = find(Rule, EventBusName);
      for (const { Id, Arn, DeadLetterConfig } of Targets) {
        if (Id !== targetId || Arn !== arnOf(rule.match.target)) throw unsupported(`EventBridge PutTargets of ${Arn}`);
        rule.match = { ...rule.match, deadLetters: DeadLetterConfig?.Arn };
        rule.targeted = true;
      }
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
    RemoveTargets(input) {
      const { Rule, EventBusName, Ids } = parseInput(removeSchema, input);
      const rule = find(Rule, EventBusName);
      if (Ids.includes(targetId)) rule.targeted = false;
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
    EnableRule: setEnabled(true),
    DisableRule: setEnabled(false),
  };

  return {
    /** The rules that an event on a bus starts. */
    matching: (bus: string, event: unknown): readonly Match[] =>
      rules
        .filter(({ match, matches, enabled, targeted }) => match.bus === bus && enabled && targeted && matches(event))
        .map(({ match }) => match),
    operations,
  };
}
