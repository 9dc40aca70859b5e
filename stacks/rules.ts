import { bus } from './bus.ts';
import { deadLetters } from './queues.ts';
import { componentName, named } from './stage.ts';
import type { Pattern, RuleSpec } from './topology.ts';

/** As long and as often as EventBridge can; then the event is a dead letter. */
export const retryPolicy = { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 };

export interface Target {
  readonly arn: $util.Input<string>;
  /** By which EventBridge calls the target; functions, queues and topics let it in by their own policies. */
  readonly roleArn?: $util.Input<string>;
}

export interface RuleOptions {
  readonly name: string;
  readonly pattern: $util.Input<Pattern>;
  readonly target: Target;
  readonly bus?: RuleSpec['bus'];
  readonly parent?: $util.Resource;
}

/** A rule with its one target. What the target does not take in the end lies in the dead-letter queue. */
export function createRule({ name, pattern, target, bus: where, parent }: RuleOptions): aws.cloudwatch.EventRule {
  const component = componentName(name);
  const options = parent ? { parent } : {};
  const onBus = where === 'default' ? {} : { eventBusName: bus.name };
  const rule = new aws.cloudwatch.EventRule(
    `${component}Rule`,
    { name: named(name), eventPattern: $jsonStringify(pattern), ...onBus },
    options,
  );
  new aws.cloudwatch.EventTarget(
    `${component}Target`,
    { rule: rule.name, ...onBus, targetId: name, ...target, deadLetterConfig: { arn: deadLetters.arn }, retryPolicy },
    options,
  );
  return rule;
}
