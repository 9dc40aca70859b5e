import {
  DescribeEventBusCommand,
  EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  type Rule,
} from '@aws-sdk/client-eventbridge';
import { canonicalJson } from '../events/ids.ts';
import type { Environment } from '../platform/configuration.ts';
import { type Examination, type Finding, found } from './finding.ts';

export interface ExpectedRule {
  readonly name: string;
  readonly pattern: unknown;
  /** Whether it is on AWS's own bus, and not on ours. */
  readonly onDefaultBus: boolean;
}

const about = 'bus and rules';
const { ok, fault } = found(about);
const deploy = 'Deploy the stage again (locally, start the engine again).';
const client = new EventBridgeClient({ maxAttempts: 2 });

async function rulesOn(EventBusName: string): Promise<Rule[]> {
  const rules: Rule[] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.send(new ListRulesCommand({ EventBusName, ...(NextToken && { NextToken }) }));
    rules.push(...(page.Rules ?? []));
    NextToken = page.NextToken;
  } while (NextToken);
  return rules;
}

/** Rules are called otherwise in each stage: which is which, the pattern says. */
function sameAs(pattern: unknown) {
  const wanted = canonicalJson(pattern);
  return ({ EventPattern }: Rule) => EventPattern !== undefined && canonicalJson(JSON.parse(EventPattern)) === wanted;
}

async function examine(
  { name, pattern, onDefaultBus }: ExpectedRule,
  bus: string,
  rules: readonly Rule[],
): Promise<Finding[]> {
  const rule = rules.find(sameAs(pattern));
  const where = onDefaultBus ? 'the default bus' : bus;
  if (!rule?.Name) return [fault(`no rule on ${where} has the pattern of ${name}: what it starts never runs`, deploy)];
  const enable = `aws events enable-rule --name ${rule.Name} --event-bus-name ${onDefaultBus ? 'default' : bus}`;
  if (rule.State !== 'ENABLED') return [fault(`the rule ${rule.Name} is switched off`, `Switch it on: ${enable}`)];
  const { Targets = [] } = await client.send(
    new ListTargetsByRuleCommand({ Rule: rule.Name, EventBusName: onDefaultBus ? 'default' : bus }),
  );
  return Targets.length > 0 ? [] : [fault(`the rule ${rule.Name} has no target: its events go nowhere`, deploy)];
}

/** That the bus is there, and each rule with its pattern, switched on and with a target. */
export function rules(expected: readonly ExpectedRule[], { BUS_NAME: bus }: Environment): Examination {
  return {
    about,
    async run() {
      if (!bus) return [fault('BUS_NAME names no bus', deploy)];
      try {
        await client.send(new DescribeEventBusCommand({ Name: bus }));
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'ResourceNotFoundException') throw error;
        return [fault(`there is no bus ${bus}`, deploy)];
      }
      const [ours, awsOwn] = await Promise.all([rulesOn(bus), rulesOn('default')]);
      const faults: Finding[] = [];
      // One after the other: AWS allows few of these calls a second.
      for (const one of expected) faults.push(...(await examine(one, bus, one.onDefaultBus ? awsOwn : ours)));
      return faults.length > 0 ? faults : [ok(`${bus}, ${expected.length} rules`)];
    },
  };
}
