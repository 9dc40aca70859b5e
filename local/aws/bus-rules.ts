import * as z from 'zod/mini';
import { type RuleSpec, resolvePattern } from '../../stacks/topology.ts';
import { busArn, functionArn, queueArn, stateMachineArn } from './arn.ts';
import type { EventsOptions } from './event-bridge.ts';
import { compilePattern, type Matcher } from './event-pattern.ts';
import { AwsError, type Operations, pageFields, paginate, parseInput } from './protocol.ts';
import { viewRule } from './rule-targets.ts';
import type { SubscriberRule, SubscriberRules } from './subscriber-rules.ts';

/** The target of a rule, by its name in the topology. */
export type Target = { readonly function: string } | { readonly queue: string };

export interface Rule extends Omit<RuleSpec, 'target'> {
  readonly target: Target;
}

/** A rule on its bus, with the state that API calls change. */
export interface BusRule {
  readonly name: string;
  readonly bus: string;
  readonly pattern: unknown;
  readonly matches: Matcher;
  readonly target: Target;
  enabled: boolean;
  /** The target as `ListTargetsByRule` returns it, undefined after `RemoveTargets`. Without `DeadLetterConfig`, failed events are lost. */
  listedTarget?: ListedTarget | undefined;
}

type RuleState = Pick<BusRule, 'enabled' | 'listedTarget'>;

/** The default event bus, which receives events from AWS services. */
export const defaultBus = 'default';

const onBus = { EventBusName: z.optional(z.string()) };
const listSchema = z.object({ ...onBus, ...pageFields });
const ruleSchema = z.object({ Name: z.string(), ...onBus });
const targetsSchema = z.object({ Rule: z.string(), ...onBus });
const removeSchema = z.object({ Rule: z.string(), Ids: z.array(z.string()), ...onBus });
const listedTarget = z.object({
  Id: z.string(),
  Arn: z.string(),
  DeadLetterConfig: z.optional(z.object({ Arn: z.optional(z.string()) })),
});
type ListedTarget = z.output<typeof listedTarget>;
const putTargetsSchema = z.object({ Rule: z.string(), Targets: z.array(z.unknown()).check(z.minLength(1)), ...onBus });
const busSchema = z.object({ Name: z.optional(z.string()) });

/** The id of a rule's only target. */
const targetId = 'target';

function targetArn(target: Target, queues: EventsOptions['queues']): string {
  if ('function' in target) return functionArn(target.function);
  return queueArn(queues[target.queue] ?? target.queue);
}

/** The app's rules on both buses, and the EventBridge operations on these rules and on those of subscribers. */
export function createRules({ busName, rules: specs, queues, state }: EventsOptions, subscribers: SubscriberRules) {
  /** The rules that a call has changed. */
  const changed = state.collection<RuleState>('changed rules');
  const rules = Object.entries(specs).map(([name, rule]): BusRule => {
    const pattern = resolvePattern(rule, { stateMachineArn, alarmName: (name) => name });
    return {
      name,
      bus: rule.bus ?? busName,
      pattern,
      matches: compilePattern(pattern),
      target: rule.target,
      ...(changed.get(name) ?? {
        enabled: true,
        listedTarget: {
          Id: targetId,
          Arn: targetArn(rule.target, queues),
          DeadLetterConfig: { Arn: queueArn(queues.deadLetters) },
        },
      }),
    };
  });

  function change(rule: BusRule, changes: Partial<RuleState>): void {
    const { enabled, listedTarget } = Object.assign(rule, changes);
    changed.put(rule.name, { enabled, listedTarget });
  }

  function resolveBusName(name = defaultBus): string {
    const short = name.slice(name.lastIndexOf('/') + 1);
    if (short !== busName && short !== defaultBus) {
      throw new AwsError('ResourceNotFoundException', `Event bus ${short} does not exist.`);
    }
    return short;
  }

  const findOwn = (bus: string, name: string): BusRule | undefined =>
    rules.find((rule) => rule.name === name && rule.bus === bus);

  function find(name: string, eventBusName: string | undefined): BusRule | SubscriberRule {
    const bus = resolveBusName(eventBusName);
    const found = findOwn(bus, name) ?? subscribers.find(bus, name);
    if (!found) throw new AwsError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus ${bus}.`);
    return found;
  }

  /** @throws AwsError ManagedRuleException for a rule of the app */
  function rejectOwn(bus: string, name: string): void {
    if (!findOwn(bus, name)) return;
    throw new AwsError('ManagedRuleException', `Rule ${name} belongs to the bridge. Create a rule of your own.`);
  }

  const setEnabled = (enabled: boolean) => (input: unknown) => {
    const { Name, EventBusName } = parseInput(ruleSchema, input);
    const rule = find(Name, EventBusName);
    if ('targets' in rule) subscribers.setEnabled(rule, enabled);
    else change(rule, { enabled });
    return {};
  };

  /** Restores the target of one of the app's rules or changes its dead-letter queue. */
  function putOwnTarget(rule: BusRule, targets: readonly unknown[]): void {
    for (const target of parseInput(z.array(listedTarget), targets)) {
      if (target.Id !== targetId || target.Arn !== targetArn(rule.target, queues)) rejectOwn(rule.bus, rule.name);
      change(rule, { listedTarget: target });
    }
  }

  const operations: Operations = {
    DescribeEventBus(input) {
      const name = resolveBusName(parseInput(busSchema, input).Name);
      return { Name: name, Arn: busArn(name) };
    },
    DescribeRule(input) {
      const { Name, EventBusName } = parseInput(ruleSchema, input);
      return viewRule(find(Name, EventBusName));
    },
    ListRules(input) {
      const { EventBusName, NamePrefix = '', Limit, NextToken } = parseInput(listSchema, input);
      const bus = resolveBusName(EventBusName);
      const own = rules.map((rule, index) => ({ rule, position: index - rules.length }));
      const all = [...own, ...subscribers.list(bus).map((rule) => ({ rule, position: rule.position }))];
      const found = all.filter(({ rule }) => rule.bus === bus && rule.name.startsWith(NamePrefix));
      const page = { maxResults: Limit, nextToken: NextToken };
      const { items, nextToken } = paginate(found, page, ({ position }) => position);
      return { Rules: items.map(({ rule }) => viewRule(rule)), NextToken: nextToken };
    },
    PutRule(input) {
      const { Name, EventBusName } = parseInput(ruleSchema, input);
      const bus = resolveBusName(EventBusName);
      rejectOwn(bus, Name);
      return subscribers.put(bus, input);
    },
    /** Succeeds if the rule does not exist. */
    DeleteRule(input) {
      const { Name, EventBusName } = parseInput(ruleSchema, input);
      const bus = resolveBusName(EventBusName);
      rejectOwn(bus, Name);
      const found = subscribers.find(bus, Name);
      if (found) subscribers.remove(found);
      return {};
    },
    ListTargetsByRule(input) {
      const { Rule, EventBusName } = parseInput(targetsSchema, input);
      const rule = find(Rule, EventBusName);
      return { Targets: 'targets' in rule ? rule.targets : [rule.listedTarget ?? []].flat() };
    },
    PutTargets(input) {
      const { Rule, EventBusName, Targets } = parseInput(putTargetsSchema, input);
      const rule = find(Rule, EventBusName);
      if ('targets' in rule) subscribers.putTargets(rule, Targets);
      else putOwnTarget(rule, Targets);
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
    RemoveTargets(input) {
      const { Rule, EventBusName, Ids } = parseInput(removeSchema, input);
      const rule = find(Rule, EventBusName);
      if ('targets' in rule) subscribers.removeTargets(rule, Ids);
      else if (Ids.includes(targetId)) change(rule, { listedTarget: undefined });
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
    EnableRule: setEnabled(true),
    DisableRule: setEnabled(false),
  };

  return {
    find,
    findOwn,

    /** The enabled rules with a target that match an event on a bus. */
    matching: (bus: string, event: unknown): readonly BusRule[] =>
      rules.filter((rule) => rule.bus === bus && rule.enabled && rule.listedTarget && rule.matches(event)),
    operations,
  };
}
