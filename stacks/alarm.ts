import type { Metric } from './metrics.ts';
import { componentName, named } from './stage.ts';

export interface AlarmSpec {
  /** Also the heading in docs/how-to/respond-to-alarms.md under which it is told what to do. */
  readonly name: string;
  /** What has happened and what to do first, for whoever is woken by it. */
  readonly says: string;
  /** Several are added up. */
  readonly metrics: readonly Metric[];
  readonly statistic?: 'Sum' | 'Maximum' | 'p99';
  /** It goes off above this, 0 unless said; with `below`, below it. */
  readonly above?: number;
  readonly below?: number;
  /** Seconds that are looked at together, 300 unless said. */
  readonly period?: number;
  /** How many of how many periods must be over it; 1 of 1 unless said. */
  readonly periods?: readonly [over: number, of: number];
  /** Silence is fine unless it is what the alarm is about. */
  readonly silence?: 'breaching' | 'notBreaching';
}

/** As many metrics as one alarm can add up. */
const mostMetrics = 10;

/** Tells the topic when it goes off and when it is over. More metrics than fit make more alarms of the same heading. */
export function createAlarm(spec: AlarmSpec, topicArn: $util.Input<string>): void {
  const { name, says, above = 0, below, periods: [over, of] = [1, 1], silence = 'notBreaching' } = spec;
  for (let from = 0; from < spec.metrics.length; from += mostMetrics) {
    const called = from === 0 ? name : `${name}-${from / mostMetrics + 1}`;
    new aws.cloudwatch.MetricAlarm(componentName(called), {
      name: named(called),
      alarmDescription: `${says} See docs/how-to/respond-to-alarms.md#${name}`,
      comparisonOperator: below === undefined ? 'GreaterThanThreshold' : 'LessThanThreshold',
      threshold: below ?? above,
      evaluationPeriods: of,
      datapointsToAlarm: over,
      treatMissingData: silence,
      alarmActions: [topicArn],
      okActions: [topicArn],
      ...measured({ ...spec, metrics: spec.metrics.slice(from, from + mostMetrics) }),
    });
  }
}

function measured({ metrics, statistic = 'Sum', period = 300 }: AlarmSpec): Partial<aws.cloudwatch.MetricAlarmArgs> {
  const [only, ...others] = metrics;
  if (only && others.length === 0) {
    const kind = statistic === 'p99' ? { extendedStatistic: statistic } : { statistic };
    return { namespace: only.namespace, metricName: only.name, dimensions: { ...only.dimensions }, period, ...kind };
  }
  const queries = metrics.map(({ namespace: of, name, dimensions }, index) => ({
    id: `m${index}`,
    metric: { namespace: of, metricName: name, dimensions: { ...dimensions }, period, stat: statistic },
  }));
  return { metricQueries: [{ id: 'sum', expression: 'SUM(METRICS())', label: 'Sum', returnData: true }, ...queries] };
}
