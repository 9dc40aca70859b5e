import {
  paginateListAWSDefaultServiceQuotas,
  paginateListServiceQuotas,
  type ServiceQuota,
  ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas';
import { type Finding, note, ok, warning } from '../../core/channel/finding.ts';
import { localStage, wholeNumber } from '../../core/platform/configuration.ts';
import {
  type FunctionSpec,
  functions,
  reserveConcurrency,
  sumReserved,
  webhookThrottle,
} from '../../stacks/topology.ts';

export interface Load {
  readonly webhooksPerSecond: number;
  readonly sendsPerSecond: number;
}

/**
 * What one webhook with a text message uses. `npm run bench -- --only ledger` counts the calls. The duration of an invocation is
 * an estimate of 30 ms, mostly of AWS calls. Rules that need the first message add a `PutEvents` call and an invocation.
 */
const webhook = { requests: 1, putEvents: 1, ruleInvocations: 1, concurrencySeconds: 2 * 0.03, writeUnits: 4 };
/**
 * What one sent text uses, its webhook (`message.delivered`) included. `send` is the target of `npm run bench -- --only model` at
 * a steady 200 per second; `transitions` includes messages that follow another one of their conversation.
 */
const send = {
  requests: 1,
  putEvents: 3,
  ruleInvocations: 2,
  concurrencySeconds: { send: 0.3, others: 3 * 0.03 },
  writeUnits: 11,
  executions: 1,
  transitions: 1.5,
};

interface Quota {
  /** The service and the quota in the Service Quotas console. */
  readonly name: string;
  readonly service: string;
  /** A quota's code, or the beginning of its name. */
  readonly quota: string;
  readonly demand: number;
  /** The reserved part of the quota, which is not available for the demand. */
  readonly reserved?: number;
}

/** A limit and the share of it that a load uses. */
interface Usage {
  readonly name: string;
  readonly demand: number;
  readonly capacity: number;
  readonly fix: string;
}

/** Requests should leave room for bursts. */
const headroom = 1.25;
const format = (value: number) => Math.ceil(value).toLocaleString('en-US');
const describe = ({ name, demand, capacity }: Usage) =>
  `${name}: ${format(demand)} of ${format(capacity)} (${Math.ceil((demand / capacity) * 100)} %)`;

function quotas({ webhooksPerSecond: webhooks, sendsPerSecond: sends }: Load, reserved: number): readonly Quota[] {
  // Without reserved concurrency, all functions share the quota.
  const sending = send.concurrencySeconds.others + (reserved === 0 ? send.concurrencySeconds.send : 0);
  return [
    {
      name: 'Amazon API Gateway, Throttle rate',
      service: 'apigateway',
      quota: 'L-8A5B8E43',
      demand: webhooks * webhook.requests + sends * send.requests,
    },
    {
      name: 'AWS Lambda, Concurrent executions',
      service: 'lambda',
      quota: 'L-B99A9384',
      demand: webhooks * webhook.concurrencySeconds + sends * sending,
      reserved,
    },
    {
      name: 'Amazon EventBridge, PutEvents throttle limit in transactions per second',
      service: 'events',
      quota: 'L-9B653E91',
      demand: webhooks * webhook.putEvents + sends * send.putEvents,
    },
    {
      name: 'Amazon EventBridge, Invocations throttle limit in transactions per second',
      service: 'events',
      quota: 'L-5540C5E3',
      demand: webhooks * webhook.ruleInvocations + sends * send.ruleInvocations,
    },
    {
      name: 'AWS Step Functions, StartExecution throttle token refill rate per second',
      service: 'states',
      quota: 'StartExecution throttle token refill rate',
      demand: sends * send.executions,
    },
    {
      name: 'AWS Step Functions, StateTransition throttle token refill rate per second',
      service: 'states',
      quota: 'StateTransition throttle token refill rate',
      demand: sends * send.transitions,
    },
    {
      name: 'Amazon DynamoDB, Table-level write throughput limit',
      service: 'dynamodb',
      quota: 'L-AB614373',
      demand: webhooks * webhook.writeUnits + sends * send.writeUnits,
    },
  ];
}

/** Which limit a load reaches first: of the deployment, or of the account in the stage's region. */
export async function checkQuotas(load: Load, stage: string | undefined): Promise<readonly Finding[]> {
  if (stage === undefined || stage === localStage) return [note('AWS quotas do not apply to the local engine.')];
  const sendConcurrency = wholeNumber('SEND_CONCURRENCY', functions.send.concurrency);
  const reserved = sumReserved(reserveConcurrency<FunctionSpec>(functions, sendConcurrency));
  try {
    const values = await readQuotas(quotas(load, reserved));
    return findings(load, [...deploymentLimits(load, sendConcurrency), ...values.flatMap(usages)], values);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'AccessDeniedException') throw error;
    const actions = 'servicequotas:ListServiceQuotas and servicequotas:ListAWSDefaultServiceQuotas';
    return [
      warning('Your AWS credentials are not allowed to read the quotas of the account.', `Allow ${actions} on *.`),
    ];
  }
}

function deploymentLimits({ webhooksPerSecond, sendsPerSecond }: Load, sendConcurrency: number): Usage[] {
  const throttle: Usage = {
    name: 'WEBHOOK_THROTTLE_PER_SECOND of the stage',
    demand: webhooksPerSecond * webhook.requests + sendsPerSecond * send.requests,
    capacity: wholeNumber('WEBHOOK_THROTTLE_PER_SECOND', webhookThrottle.perSecond, 1),
    fix: 'Raise WEBHOOK_THROTTLE_PER_SECOND and deploy.',
  };
  if (sendConcurrency === 0) return [throttle];
  const concurrency: Usage = {
    name: 'SEND_CONCURRENCY of the stage',
    demand: sendsPerSecond * send.concurrencySeconds.send,
    capacity: sendConcurrency,
    fix: 'Raise SEND_CONCURRENCY and deploy.',
  };
  return [throttle, concurrency];
}

interface QuotaValue extends Quota {
  /** Undefined if Service Quotas does not list the quota in the region. */
  readonly value: number | undefined;
  readonly region: string;
}

async function readQuotas(wanted: readonly Quota[]): Promise<QuotaValue[]> {
  const client = new ServiceQuotasClient({ maxAttempts: 3 });
  const region = await client.config.region();
  const services = [...new Set(wanted.map(({ service }) => service))];
  const listed = new Map(
    await Promise.all(services.map(async (service) => [service, await listQuotas(client, service)] as const)),
  );
  return wanted.map((one) => {
    const found = listed
      .get(one.service)
      ?.find(({ QuotaCode, QuotaName }) => QuotaCode === one.quota || QuotaName?.startsWith(one.quota));
    return { ...one, value: found?.Value, region };
  });
}

/** The applied quotas, then the defaults: Service Quotas has no applied value of some quotas. */
async function listQuotas(client: ServiceQuotasClient, ServiceCode: string): Promise<ServiceQuota[]> {
  const found: ServiceQuota[] = [];
  for (const paginate of [paginateListServiceQuotas, paginateListAWSDefaultServiceQuotas]) {
    for await (const { Quotas = [] } of paginate({ client, pageSize: 100 }, { ServiceCode })) found.push(...Quotas);
  }
  return found;
}

function usages({ name, demand, value, reserved = 0, region }: QuotaValue): Usage[] {
  if (value === undefined) return [];
  const request = format((demand + reserved) * headroom);
  // All of a small quota can be reserved.
  const capacity = Math.max(1, value - reserved);
  return [{ name, demand, capacity, fix: `Request at least ${request} in ${region}: Service Quotas, ${name}.` }];
}

function findings(load: Load, limits: readonly Usage[], values: readonly QuotaValue[]): Finding[] {
  const [first, ...others] = limits.toSorted((a, b) => b.demand / b.capacity - a.demand / a.capacity);
  const unknown = values
    .filter(({ value }) => value === undefined)
    .map(({ name, demand }) => note(`Service Quotas does not list ${name}; the load needs ${format(demand)}.`));
  if (!first) return unknown;
  const what = `${format(load.webhooksPerSecond)} webhooks and ${format(load.sendsPerSecond)} sends per second`;
  const isExceeded = ({ demand, capacity }: Usage) => demand > capacity;
  return [
    isExceeded(first)
      ? warning(`${what} exceed this limit first: ${describe(first)}.`, first.fix)
      : ok(`${what} are within every limit. They reach this one first: ${describe(first)}.`),
    ...others.map((one) => (isExceeded(one) ? warning(`${describe(one)}.`, one.fix) : note(`${describe(one)}.`))),
    ...unknown,
  ];
}
