import { alertRule, archive, type RuleSpec, resolvePattern, rules } from '../../../stacks/topology.ts';
import type { App, Resource } from '../app.ts';
import { at, type Check, find, isEqual, listAt, ofType, parseStatements, resourceName, textAt } from '../select.ts';

interface Expectation {
  readonly pattern: unknown;
  readonly kind: 'lambda' | 'sqs' | 'sns';
  /** The end of the ARN. */
  readonly target: string;
}

function expectRule(app: App, spec: RuleSpec): Expectation {
  const machine = textAt(find(app, 'aws:sfn/stateMachine:StateMachine', resourceName(app, 'send')).inputs, 'name');
  const region = textAt(app.settings, 'providers.aws.region');
  const pattern = resolvePattern(spec, () => `arn:aws:states:${region}:123456789012:stateMachine:${machine}`);
  const { target } = spec;
  if ('function' in target)
    return { pattern, kind: 'lambda', target: `:function:${resourceName(app, target.function)}` };
  const queue = find(app, 'aws:sqs/queue:Queue', 'DeadLettersQueue');
  return { pattern, kind: 'sqs', target: `:${textAt(queue.inputs, 'name')}` };
}

export const checkRules: Check = (app) => {
  const alert = { pattern: alertRule.pattern, kind: 'sns', target: 'AlertsTopic' } as const;
  return [
    ...Object.entries(rules).flatMap(([name, spec]) => ruleProblems(app, name, expectRule(app, spec), spec.bus)),
    ...ruleProblems(app, alertRule.name, alert),
  ];
};

function ruleProblems(app: App, name: string, expected: Expectation, bus?: string): string[] {
  const rule = find(app, 'aws:cloudwatch/eventRule:EventRule', resourceName(app, name));
  const targets = ofType(app, 'aws:cloudwatch/eventTarget:EventTarget').filter(
    ({ inputs }) => inputs.rule === resourceName(app, name),
  );
  const [target] = targets;
  if (!target || targets.length > 1) return [`rule ${name}: expected one target, not ${targets.length}`];
  const problems = [
    isEqual(sorted(JSON.parse(textAt(rule.inputs, 'eventPattern') || '{}')), sorted(expected.pattern)) ||
      'its pattern differs',
    (rule.inputs.eventBusName === undefined) === (bus === 'default') || 'it is on the wrong bus',
    rule.inputs.eventBusName === target.inputs.eventBusName || 'its target is on the wrong bus',
    pointsAt(textAt(target.inputs, 'arn'), expected) || `its target is ${textAt(target.inputs, 'arn')}`,
    textAt(target.inputs, 'deadLetterConfig.arn').includes('DeadLettersQueue') || 'its target has no dead-letter queue',
    at(target.inputs, 'retryPolicy.maximumRetryAttempts') === 185 || 'its target has no retry policy',
    at(target.inputs, 'retryPolicy.maximumEventAgeInSeconds') === 86_400 || 'its target has no retry policy',
    ...policyProblems(app, rule, target, expected),
  ];
  return problems.flatMap((problem) => (problem === true ? [] : [`rule ${name}: ${problem}`]));
}

function pointsAt(arn: string, { kind, target }: Expectation): boolean {
  return arn.startsWith(`arn:aws:${kind}:`) && (kind === 'sns' ? arn.includes(target) : arn.endsWith(target));
}

/** The target and the dead-letter queue must accept events of this rule. */
function policyProblems(app: App, rule: Resource, target: Resource, { kind }: Expectation): (true | string)[] {
  const arn = ruleArn(app, rule);
  const queue = find(app, 'aws:sqs/queuePolicy:QueuePolicy', 'DeadLettersPolicy');
  const topic = find(app, 'aws:sns/topicPolicy:TopicPolicy', 'AlertsPolicy');
  const permission = ofType(app, 'aws:lambda/permission:Permission').find(
    ({ inputs }) =>
      inputs.sourceArn === arn &&
      inputs.principal === 'events.amazonaws.com' &&
      textAt(target.inputs, 'arn').endsWith(`:${textAt(inputs, 'function')}`),
  );
  return [
    allowsSource(queue, arn) || 'the dead-letter queue denies it',
    kind !== 'lambda' || permission !== undefined || 'its function denies it',
    kind !== 'sns' || allowsSource(topic, arn) || 'the topic denies it',
  ];
}

function allowsSource({ inputs }: Resource, arn: string): boolean {
  if (inputs.policy === undefined) return false;
  return parseStatements(inputs.policy).some(({ condition }) =>
    [at(condition, 'ArnEquals.aws:SourceArn')].flat().includes(arn),
  );
}

function ruleArn(app: App, { inputs }: Resource): string {
  const bus = textAt(inputs, 'eventBusName');
  const region = textAt(app.settings, 'providers.aws.region');
  return `arn:aws:events:${region}:123456789012:rule/${bus ? `${bus}/` : ''}${textAt(inputs, 'name')}`;
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

export const checkArchive: Check = (app) => {
  const [archived, ...others] = ofType(app, 'aws:cloudwatch/eventArchive:EventArchive');
  if (!archived || others.length > 0) return ['expected one archive'];
  const pattern: unknown = JSON.parse(textAt(archived.inputs, 'eventPattern'));
  const excluded = listAt(pattern, 'detail-type').some((one) => at(one, 'anything-but') === 'message.send.requested');
  return [
    ...(excluded ? [] : ['the archive includes send requests']),
    ...(isEqual(pattern, archive.pattern) ? [] : ['the pattern of the archive differs']),
    ...(Number(archived.inputs.retentionDays) > 0 ? [] : ['the archive has no retention']),
  ];
};
