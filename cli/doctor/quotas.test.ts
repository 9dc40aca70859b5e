import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { startServer } from '../../test/http-server.ts';
import { checkQuotas, type Load } from './quotas.ts';

type Quotas = Readonly<Record<string, readonly { QuotaCode: string; QuotaName: string; Value: number }[]>>;

const quota = (QuotaCode: string, QuotaName: string, Value: number) => ({ QuotaCode, QuotaName, Value });
const applied: Quotas = {
  apigateway: [quota('L-8A5B8E43', 'Throttle rate', 10_000)],
  lambda: [quota('L-B99A9384', 'Concurrent executions', 1_000)],
  events: [
    quota('L-9B653E91', 'PutEvents throttle limit in transactions per second', 2_400),
    quota('L-5540C5E3', 'Invocations throttle limit in transactions per second', 2_350),
  ],
  states: [],
  dynamodb: [quota('L-AB614373', 'Table-level write throughput limit', 40_000)],
};
/** Service Quotas has no applied value of these. */
const defaults: Quotas = {
  states: [
    quota('L-1', 'StartExecution throttle token bucket size', 1_300),
    quota('L-2', 'StartExecution throttle token refill rate per second', 150),
    quota('L-3', 'StateTransition throttle token refill rate per second', 800),
  ],
};

describe('checkQuotas', () => {
  let server: Awaited<ReturnType<typeof startServer>>;
  const state = { applied, denied: false };
  beforeAll(async () => {
    server = await startServer((response, { headers }) => {
      const [, operation] = String(headers['x-amz-target']).split('.');
      const { ServiceCode } = z
        .object({ ServiceCode: z.string() })
        .parse(JSON.parse(`${server.received.at(-1)?.body}`));
      const quotas = operation === 'ListServiceQuotas' ? state.applied : defaults;
      const error = { __type: 'AccessDeniedException', message: 'not authorized' };
      response.writeHead(state.denied ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(state.denied ? error : { Quotas: quotas[ServiceCode] ?? [] }));
    });
    vi.stubEnv('AWS_ENDPOINT_URL_SERVICE_QUOTAS', server.url);
    vi.stubEnv('AWS_REGION', 'eu-central-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'mine');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'mine');
  });
  beforeEach(() => {
    Object.assign(state, { applied, denied: false });
    vi.stubEnv('SEND_CONCURRENCY', '200');
    vi.stubEnv('WEBHOOK_THROTTLE_PER_SECOND', '3000');
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await server.stop();
  });

  const load = (webhooksPerSecond: number, sendsPerSecond: number): Load => ({ webhooksPerSecond, sendsPerSecond });
  const check = async (given: Load) =>
    (await checkQuotas(given, 'production')).map(({ severity, message, fix }) => [severity, message, fix].join(' | '));

  it('names the limit that a load within every limit reaches first, then the others', async () => {
    const [first, ...others] = await check(load(1_000, 100));
    expect(first).toBe(
      'ok | 1,000 webhooks and 100 sends per second are within every limit. They reach this one first: AWS Step Functions, StartExecution throttle token refill rate per second: 100 of 150 (67 %). | ',
    );
    expect(others).toHaveLength(8);
    expect(others).toContain(
      'note | Amazon EventBridge, PutEvents throttle limit in transactions per second: 1,300 of 2,400 (55 %). | ',
    );
    expect(others).toContain('note | SEND_CONCURRENCY of the stage: 30 of 200 (15 %). | ');
  });

  it('warns of every limit that the load exceeds, with what to request', async () => {
    const warnings = (await check(load(4_000, 200))).filter((one) => one.startsWith('warning'));
    expect(warnings).toEqual([
      'warning | 4,000 webhooks and 200 sends per second exceed this limit first: Amazon EventBridge, PutEvents throttle limit in transactions per second: 4,600 of 2,400 (192 %). | Request at least 5,750 in eu-central-1: Service Quotas, Amazon EventBridge, PutEvents throttle limit in transactions per second.',
      expect.stringContaining('Invocations throttle limit in transactions per second: 4,400 of 2,350 (188 %)'),
      'warning | WEBHOOK_THROTTLE_PER_SECOND of the stage: 4,200 of 3,000 (140 %). | Raise WEBHOOK_THROTTLE_PER_SECOND and deploy.',
      expect.stringContaining('StartExecution throttle token refill rate per second: 200 of 150 (134 %)'),
    ]);
  });

  it('counts reserved executions as unavailable to the other functions', async () => {
    const concurrency = async () => (await check(load(1_000, 0))).find((one) => one.includes('Concurrent executions'));
    expect(await concurrency()).toContain('Concurrent executions: 60 of 650 (10 %)');
    vi.stubEnv('SEND_CONCURRENCY', '0');
    expect(await concurrency()).toContain('Concurrent executions: 60 of 1,000 (6 %)');
    Object.assign(state, { applied: { ...applied, lambda: [quota('L-B99A9384', 'Concurrent executions', 10)] } });
    expect(await concurrency()).toContain('Request at least 75 in eu-central-1');
  });

  it('names a quota that Service Quotas does not list', async () => {
    Object.assign(state, { applied: { ...applied, apigateway: [] } });
    expect(await check(load(1_000, 0))).toContain(
      'note | Service Quotas does not list Amazon API Gateway, Throttle rate; the load needs 1,000. | ',
    );
  });

  it('names the missing permissions', async () => {
    state.denied = true;
    expect(await check(load(1_000, 0))).toEqual([
      'warning | Your AWS credentials are not allowed to read the quotas of the account. | Allow servicequotas:ListServiceQuotas and servicequotas:ListAWSDefaultServiceQuotas on *.',
    ]);
  });

  it('says that quotas do not apply to the local engine', async () => {
    const expected = [{ severity: 'note', message: 'AWS quotas do not apply to the local engine.' }];
    expect(await checkQuotas(load(1, 1), undefined)).toEqual(expected);
    expect(await checkQuotas(load(1, 1), 'local')).toEqual(expected);
  });
});
