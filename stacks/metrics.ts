import { type MetricName, namespace } from '../core/platform/metrics.ts';
import { bus } from './bus.ts';
import { api } from './inbound.ts';
import { machine } from './outbound.ts';
import { named, service } from './settings.ts';
import type { RuleSpec } from './topology.ts';

/** A metric of CloudWatch, for alarms and the dashboard. */
export interface Metric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, $util.Input<string>>>;
}

/** One of our own: over all values of its dimensions, or for one. */
export function appMetric(name: MetricName, of: Readonly<Record<string, string>> = {}): Metric {
  return { namespace, name, dimensions: { service, ...of } };
}

export function apiMetric(name: '4xx' | '5xx' | 'Count' | 'Latency'): Metric {
  return { namespace: 'AWS/ApiGateway', name, dimensions: { ApiId: api.nodes.api.id } };
}

export function functionMetric(
  name: 'Errors' | 'Throttles' | 'Duration' | 'ConcurrentExecutions' | 'DestinationDeliveryFailures',
  called: string,
): Metric {
  return { namespace: 'AWS/Lambda', name, dimensions: { FunctionName: named(called) } };
}

export function machineMetric(
  name: 'ExecutionsStarted' | 'ExecutionsSucceeded' | 'ExecutionsFailed' | 'ExecutionsTimedOut' | 'ExecutionsAborted',
): Metric {
  return { namespace: 'AWS/States', name, dimensions: { StateMachineArn: machine.arn } };
}

export function queueMetric(
  name: 'ApproximateNumberOfMessagesVisible' | 'ApproximateAgeOfOldestMessage',
  queue: sst.aws.Queue,
): Metric {
  return { namespace: 'AWS/SQS', name, dimensions: { QueueName: queue.nodes.queue.name } };
}

export function tableMetric(name: 'ReadThrottleEvents' | 'WriteThrottleEvents', table: sst.aws.Dynamo): Metric {
  return { namespace: 'AWS/DynamoDB', name, dimensions: { TableName: table.name } };
}

export function ruleMetric(
  name: 'FailedInvocations' | 'InvocationsSentToDlq' | 'InvocationsFailedToBeSentToDlq',
  rule: string,
  on?: RuleSpec['bus'],
): Metric {
  const RuleName = named(rule);
  return {
    namespace: 'AWS/Events',
    name,
    dimensions: on === 'default' ? { RuleName } : { EventBusName: bus.name, RuleName },
  };
}
