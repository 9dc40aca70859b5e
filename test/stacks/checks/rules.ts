import { alertRule, archive, type RuleSpec, resolvePattern, rules } from '../../../stacks/topology.ts';
import type { App, Emitted } from '../emitted.ts';
import { at, type Check, find, listAt, named, ofType, same, statementsOf, textAt } from '../select.ts';

interface Wanted {
  readonly pattern: unknown;
  readonly kind: 'lambda' | 'states' | 'sqs' | 'sns';
  /** The ARN's end. */
  readonly target: string;
}

function wantedOf(app: App, spec: RuleSpec): Wanted {
  const machine = textAt(find(app, 'aws:sfn/stateMachine:StateMachine', named(app, 'send')).inputs, 'name');
  const region = textAt(app.settings, 'providers.aws.region');
  const pattern = resolvePattern(spec, () => `arn:aws:states:${region}:123456789012:stateMachine:${machine}`);
  const { target } = spec;
  if ('function' in target) return { pattern, kind: 'lambda', target: `:function:${named(app, target.function)}` };
  if ('stateMachine' in target) return { pattern, kind: 'states', target: `:${named(app, target.stateMachine)}` };
  const queue = find(app, 'aws:sqs/queue:Queue', 'DeadLettersQueue');
  return { pattern, kind: 'sqs', target: `:${textAt(queue.inputs, 'name')}` };
}

/** Every rule: its pattern, its one target, and what becomes of an event that the target does not take. */
export const delivery: Check = (app) => {
  const alert = { pattern: alertRule.pattern, kind: 'sns', target: 'AlertsTopic' } as const;
  return [
    ...Object.entries(rules).flatMap(([name, spec]) => ofRule(app, name, wantedOf(app, spec), spec.bus)),
    ...ofRule(app, alertRule.name, alert),
  ];
};

function ofRule(app: App, name: string, wanted: Wanted, bus?: string): string[] {
  const rule = find(app, 'aws:cloudwatch/eventRule:EventRule', named(app, name));
  const targets = ofType(app, 'aws:cloudwatch/eventTarget:EventTarget').filter(
    ({ inputs }) => inputs.rule === named(app, name),
  );
  const [target] = targets;
  if (!target || targets.length > 1) return [`rule ${name}: expected one target, not ${targets.length}`];
  const problems = [
    same(sorted(JSON.parse(textAt(rule.inputs, 'eventPattern') || '{}')), sorted(wanted.pattern)) ||
      'its pattern is another',
    (rule.inputs.eventBusName === undefined) === (bus === 'default') || 'it is on another bus',
    rule.inputs.eventBusName === target.inputs.eventBusName || 'its target is on another bus',
    pointsAt(textAt(target.inputs, 'arn'), wanted) || `its target is ${textAt(target.inputs, 'arn')}`,
    textAt(target.inputs, 'deadLetterConfig.arn').includes('DeadLettersQueue') || 'its target has no dead-letter queue',
    at(target.inputs, 'retryPolicy.maximumRetryAttempts') === 185 || 'its target has no retry policy',
    at(target.inputs, 'retryPolicy.maximumEventAgeInSeconds') === 86_400 || 'its target has no retry policy',
    ...letIn(app, rule, target, wanted),
  ];
  return problems.flatMap((problem) => (problem === true ? [] : [`rule ${name}: ${problem}`]));
}

function pointsAt(arn: string, { kind, target }: Wanted): boolean {
  return arn.startsWith(`arn:aws:${kind}:`) && (kind === 'sns' ? arn.includes(target) : arn.endsWith(target));
}

/** Whether the target, and the dead-letter queue in its place, take what the rule sends, and from it alone. */
function letIn(app: App, rule: Emitted, target: Emitted, { kind }: Wanted): (true | string)[] {
  const arn = arnOf(app, rule);
  const queue = find(app, 'aws:sqs/queuePolicy:QueuePolicy', 'DeadLettersPolicy');
  const topic = find(app, 'aws:sns/topicPolicy:TopicPolicy', 'AlertsPolicy');
  const permission = ofType(app, 'aws:lambda/permission:Permission').find(
    ({ inputs }) =>
      inputs.sourceArn === arn &&
      inputs.principal === 'events.amazonaws.com' &&
      textAt(target.inputs, 'arn').endsWith(`:${textAt(inputs, 'function')}`),
  );
  return [
    admits(queue, arn) || 'the dead-letter queue does not let it in',
    kind !== 'lambda' || permission !== undefined || 'its function does not let it in',
    kind !== 'sns' || admits(topic, arn) || 'the topic does not let it in',
    kind !== 'states' || textAt(target.inputs, 'roleArn') !== '' || 'it has no role to start the state machine',
  ];
}

function admits({ inputs }: Emitted, arn: string): boolean {
  if (inputs.policy === undefined) return false;
  return statementsOf(inputs.policy).some(({ condition }) =>
    [at(condition, 'ArnEquals.aws:SourceArn')].flat().includes(arn),
  );
}

function arnOf(app: App, { inputs }: Emitted): string {
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

/** The archive keeps what may be replayed, and never what would send. */
export const archived: Check = (app) => {
  const [kept, ...others] = ofType(app, 'aws:cloudwatch/eventArchive:EventArchive');
  if (!kept || others.length > 0) return ['expected one archive'];
  const pattern: unknown = JSON.parse(textAt(kept.inputs, 'eventPattern'));
  const excluded = listAt(pattern, 'detail-type').some((one) => at(one, 'anything-but') === 'message.send.requested');
  return [
    ...(excluded ? [] : ['the archive keeps send requests']),
    ...(same(pattern, archive.pattern) ? [] : ['the archive’s pattern is another']),
    ...(Number(kept.inputs.retentionDays) > 0 ? [] : ['the archive keeps events for ever']),
  ];
};
