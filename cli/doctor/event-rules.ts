import {
  DescribeEventBusCommand,
  EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  type Rule,
  type Target,
} from '@aws-sdk/client-eventbridge';
import * as z from 'zod/mini';
import { type Finding, fault, problemsOr } from '../../core/channel/finding.ts';
import { canonicalJson } from '../../core/events/ids.ts';
import { resourcePrefix } from '../../core/platform/configuration.ts';
import { type RuleSpec, resolvePattern, rules } from '../../stacks/topology.ts';
import { checkResource, ifFound } from './finding.ts';
import { readQueue } from './resources.ts';

const client = new EventBridgeClient({ maxAttempts: 2 });

/** The bus exists, and each rule has its pattern, is enabled, and has a target with the dead-letter queue. */
export function checkEventRules(): Promise<readonly Finding[]> {
  return checkResource('bus', 'BUS_NAME', async (bus) => {
    await client.send(new DescribeEventBusCommand({ Name: bus }));
    const [own, onDefault, queue] = await Promise.all([
      listRules(bus),
      listRules('default'),
      ifFound(readQueue(process.env.DEAD_LETTER_QUEUE_URL ?? '')),
    ]);
    const faults: Finding[] = [];
    // Sequential: AWS allows few of these calls a second.
    for (const [name, spec] of Object.entries(rules)) {
      const [on, found] = spec.bus === 'default' ? (['default', onDefault] as const) : ([bus, own] as const);
      faults.push(...(await checkRule(name, spec, on, found, queue)));
    }
    return problemsOr(faults, `The bus ${bus} has all ${Object.keys(rules).length} rules.`);
  });
}

async function listRules(EventBusName: string): Promise<Rule[]> {
  const rules: Rule[] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.send(new ListRulesCommand({ EventBusName, ...(NextToken && { NextToken }) }));
    rules.push(...(page.Rules ?? []));
    NextToken = page.NextToken;
  } while (NextToken);
  return rules;
}

/** The dead-letter queue; undefined if it does not exist, which the check of the queues reports. */
type DeadLetterQueue = Awaited<ReturnType<typeof readQueue>> | undefined;

const sourceNames = {
  stateMachineArn: () => process.env.SEND_MACHINE_ARN ?? '',
  alarmName: (name: string) => `${resourcePrefix()}${name}`,
};

/** Rules are identified by their pattern: their names differ from stage to stage. */
async function checkRule(
  name: string,
  spec: RuleSpec,
  bus: string,
  found: readonly Rule[],
  queue: DeadLetterQueue,
): Promise<Finding[]> {
  const wanted = canonicalJson(resolvePattern(spec, sourceNames));
  const rule = found.find(({ EventPattern }) => EventPattern && canonicalJson(JSON.parse(EventPattern)) === wanted);
  if (!rule?.Name) {
    return [fault(`The bus ${bus} has no rule with the pattern of ${name}: its target never runs.`)];
  }
  if (rule.State !== 'ENABLED') {
    const enable = `aws events enable-rule --name ${rule.Name} --event-bus-name ${bus}`;
    return [fault(`The rule ${rule.Name} is disabled.`, `Enable it: ${enable}`)];
  }
  const { Targets = [] } = await client.send(new ListTargetsByRuleCommand({ Rule: rule.Name, EventBusName: bus }));
  if (Targets.length === 0) return [fault(`The rule ${rule.Name} has no target: its events are lost.`)];
  return Targets.flatMap((target) => checkDeadLetters(rule, target, queue));
}

/** EventBridge does not report a dead letter that it cannot deliver. */
function checkDeadLetters({ Name, Arn = '' }: Rule, { DeadLetterConfig }: Target, queue: DeadLetterQueue): Finding[] {
  const arn = DeadLetterConfig?.Arn;
  if (!arn) return [fault(`The rule ${Name} has no dead-letter queue: undelivered events are lost.`)];
  if (!queue) return [];
  if (arn !== queue.QueueArn) {
    return [fault(`The rule ${Name} uses ${arn} as its dead-letter queue, which has no consumer.`)];
  }
  if (allowsDeadLetters(queue.Policy, Arn)) return [];
  return [fault(`The policy of ${arn} denies dead letters of the rule ${Name}: undelivered events are lost.`)];
}

const oneOrMore = z.union([z.string(), z.array(z.string())]);
const statement = z.looseObject({
  Effect: z.string(),
  Principal: z.optional(z.union([z.string(), z.record(z.string(), oneOrMore)])),
  Action: z.optional(oneOrMore),
  Condition: z.optional(z.record(z.string(), z.record(z.string(), oneOrMore))),
});
const policySchema = z.looseObject({ Statement: z.union([z.array(statement), statement]) });

type Statement = z.infer<typeof statement>;

const list = (value: string | readonly string[] | undefined): readonly string[] => [value ?? []].flat();

/** Matches as IAM does: `*` is any text, `?` any one character. */
function matchesPattern(pattern: string, text: string): boolean {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'u').test(text);
}

function isForEventBridge({ Principal, Action }: Statement): boolean {
  const principals = typeof Principal === 'string' ? [Principal] : [Principal?.Service, Principal?.AWS].flatMap(list);
  const canSend = list(Action).some((action) => matchesPattern(action.toLowerCase(), 'sqs:sendmessage'));
  return canSend && principals.some((one) => one === '*' || one === 'events.amazonaws.com');
}

/** Assumes that conditions on anything but the source hold. */
function allowsSource(ruleArn: string, { Condition = {} }: Statement): boolean {
  return Object.values(Condition)
    .flatMap((keys) => Object.entries(keys))
    .filter(([key]) => key.toLowerCase() === 'aws:sourcearn')
    .every(([, patterns]) => list(patterns).some((pattern) => matchesPattern(pattern, ruleArn)));
}

/** Whether a queue's policy, as JSON, lets EventBridge send a rule's dead letters to it. */
export function allowsDeadLetters(policy: string | undefined, ruleArn: string): boolean {
  if (policy === undefined) return false;
  return [policySchema.parse(JSON.parse(policy)).Statement]
    .flat()
    .some((one) => one.Effect === 'Allow' && isForEventBridge(one) && allowsSource(ruleArn, one));
}
