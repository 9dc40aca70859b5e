import {
  DescribeEventBusCommand,
  EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  type Rule,
  type Target,
} from '@aws-sdk/client-eventbridge';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { canonicalJson } from '../events/ids.ts';
import type { Environment } from '../platform/configuration.ts';
import { type Examination, type Finding, found } from './finding.ts';
import { letsIn } from './queue-policy.ts';
import { isMissingQueue } from './queues.ts';

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
const sqs = new SQSClient({ maxAttempts: 2 });

/** Where what a rule's target does not take ought to lie, and what may be put there. */
interface DeadLetterQueue {
  /** Empty where there is no such queue. */
  readonly arn: string;
  readonly policy: string | undefined;
}

async function deadLetterQueue({ DEAD_LETTER_QUEUE_URL: QueueUrl }: Environment): Promise<DeadLetterQueue> {
  try {
    const { Attributes: { QueueArn: arn = '', Policy: policy } = {} } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn', 'Policy'] }),
    );
    return { arn, policy };
  } catch (error) {
    if (!isMissingQueue(error)) throw error;
    return { arn: '', policy: undefined };
  }
}

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
  queue: DeadLetterQueue,
): Promise<Finding[]> {
  const rule = rules.find(sameAs(pattern));
  const where = onDefaultBus ? 'the default bus' : bus;
  if (!rule?.Name) return [fault(`no rule on ${where} has the pattern of ${name}: what it starts never runs`, deploy)];
  const enable = `aws events enable-rule --name ${rule.Name} --event-bus-name ${onDefaultBus ? 'default' : bus}`;
  if (rule.State !== 'ENABLED') return [fault(`the rule ${rule.Name} is switched off`, `Switch it on: ${enable}`)];
  const { Targets = [] } = await client.send(
    new ListTargetsByRuleCommand({ Rule: rule.Name, EventBusName: onDefaultBus ? 'default' : bus }),
  );
  if (Targets.length === 0) return [fault(`the rule ${rule.Name} has no target: its events go nowhere`, deploy)];
  return Targets.flatMap((target) => wrongWithLetters(rule, target, queue));
}

/** EventBridge itself tells nobody of a dead letter that it cannot put anywhere. */
function wrongWithLetters({ Name, Arn = '' }: Rule, { DeadLetterConfig }: Target, queue: DeadLetterQueue): Finding[] {
  const arn = DeadLetterConfig?.Arn;
  if (!arn) return [fault(`the rule ${Name} has no dead-letter queue: what its target does not take is lost`, deploy)];
  // That there is no queue at all is said of the queues.
  if (queue.arn === '') return [];
  if (arn !== queue.arn)
    return [fault(`the rule ${Name} has its dead letters in ${arn}: nobody reads them there`, deploy)];
  return letsIn(queue.policy, Arn)
    ? []
    : [
        fault(
          `the policy of ${queue.arn} keeps out what the target of the rule ${Name} does not take: it is lost`,
          deploy,
        ),
      ];
}

/** That the bus is there, and each rule with its pattern, switched on, with a target, and with a place for what that does not take. */
export function rules(expected: readonly ExpectedRule[], environment: Environment): Examination {
  const { BUS_NAME: bus } = environment;
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
      const [ours, awsOwn, queue] = await Promise.all([rulesOn(bus), rulesOn('default'), deadLetterQueue(environment)]);
      const faults: Finding[] = [];
      // One after the other: AWS allows few of these calls a second.
      for (const one of expected) faults.push(...(await examine(one, bus, one.onDefaultBus ? awsOwn : ours, queue)));
      return faults.length > 0 ? faults : [ok(`${bus}, ${expected.length} rules`)];
    },
  };
}
