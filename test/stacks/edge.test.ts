import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type App, appFile, loadApp } from './app.ts';
import { edgeKey } from './mocks.ts';
import { at, find, listAt, ofType, resourceName, textAt } from './select.ts';
import { synthesize } from './synthesize.ts';

const digestVariable = 'environment.variables.WEBHOOK_EDGE_KEY_SHA256';
const webhook = (app: App) => find(app, 'aws:lambda/function:Function', resourceName(app, 'webhook')).inputs;
const outputs = (app: App) => JSON.parse(textAt(find(app, 'aws:ssm/parameter:Parameter', 'Outputs').inputs, 'value'));
const distribution = (app: App) => find(app, 'aws:cloudfront/distribution:Distribution', 'Edge').inputs;
const rules = (app: App) => listAt(find(app, 'aws:wafv2/webAcl:WebAcl', 'EdgeAcl').inputs, 'rules');

describe('WEBHOOK_EDGE=off', () => {
  const off = loadApp('production');

  it('is the default and creates nothing', () => {
    expect(off.resources.filter(({ type }) => /cloudfront|wafv2|RandomPassword/.test(type))).toEqual([]);
    expect(at(webhook(off), digestVariable)).toBeUndefined();
  });
});

describe('WEBHOOK_EDGE=on', () => {
  const on = loadApp('development');

  it('makes the address of CloudFront that of the webhook', () => {
    expect(outputs(on).webhookUrl).toBe('https://d111111abcdef8.cloudfront.net/livechat/webhook');
  });

  it('forwards POST with headers and body to the API over TLS, and caches nothing', () => {
    expect(distribution(on)).toMatchObject({
      enabled: true,
      defaultCacheBehavior: {
        targetOriginId: 'api',
        viewerProtocolPolicy: 'https-only',
        allowedMethods: expect.arrayContaining(['POST']),
        cachePolicyId: '4135ea2d-6df8-44a3-9df3-4b5a84be39ad',
        originRequestPolicyId: 'b689b0a8-53d0-40ab-baf2-68738e2966ac',
      },
      origins: [
        {
          originId: 'api',
          domainName: 'api-id.execute-api.eu-central-1.amazonaws.com',
          customOriginConfig: { originProtocolPolicy: 'https-only', originSslProtocols: ['TLSv1.2'] },
        },
      ],
    });
  });

  it('adds the key to each request, and gives the function its digest', () => {
    expect(listAt(distribution(on), 'origins')).toMatchObject([
      { customHeaders: [{ name: 'x-origin-key', value: edgeKey }] },
    ]);
    expect(at(webhook(on), digestVariable)).toBe(createHash('sha256').update(edgeKey).digest('hex'));
  });

  // Source: CloudFront's developer guide, "Custom headers that CloudFront can't add to origin requests".
  it('adds no header whose name CloudFront reserves', () => {
    const names = listAt(distribution(on), 'origins')
      .flatMap((origin) => listAt(origin, 'customHeaders'))
      .map((header) => textAt(header, 'name'));
    expect(names).not.toEqual([]);
    expect(names.filter((name) => /^x-(?:amz|edge)-/i.test(name))).toEqual([]);
  });

  it('reveals the key to CloudFront only, and its digest to the webhook function only', () => {
    const holders = (text: unknown) =>
      on.resources.filter(({ inputs }) => JSON.stringify(inputs).includes(String(text))).map(({ name }) => name);
    expect(holders(edgeKey)).toEqual(['Edge']);
    expect(holders(at(webhook(on), digestVariable))).toEqual(['WebhookFunction']);
  });

  it('rotates the key for a new WEBHOOK_EDGE_KEY_VERSION', () => {
    const keepers = (app: App) => find(app, 'random:index/randomPassword:RandomPassword', 'EdgeKey').inputs.keepers;
    expect(keepers(on)).toEqual({ version: '2' });
    expect(keepers(loadApp('unscheduled'))).toEqual({ version: '1' });
  });

  it('blocks addresses that are not in WEBHOOK_ALLOWED_IPS', () => {
    const { inputs } = find(on, 'aws:wafv2/ipSet:IpSet', 'AllowedIps');
    expect(inputs).toMatchObject({
      scope: 'CLOUDFRONT',
      region: 'us-east-1',
      ipAddressVersion: 'IPV4',
      addresses: ['203.0.113.0/24', '198.51.100.7/32'],
    });
    const arn = expect.stringContaining('livechat-development-allowed-ips');
    expect(rules(on)).toContainEqual(
      expect.objectContaining({
        action: { block: {} },
        statement: { notStatement: { statements: [{ ipSetReferenceStatement: { arn } }] } },
      }),
    );
    expect(distribution(on).isIpv6Enabled).toBe(false);
  });

  it('blocks an address above half of the route’s limit', () => {
    expect(rules(on)).toContainEqual(
      expect.objectContaining({
        action: { block: {} },
        statement: { rateBasedStatement: { aggregateKeyType: 'IP', evaluationWindowSec: 60, limit: 600 } },
      }),
    );
  });

  it('attaches the web ACL, whose rules do not depend on the size of a body', () => {
    const [acl] = ofType(on, 'aws:wafv2/webAcl:WebAcl');
    expect(acl?.inputs).toMatchObject({ scope: 'CLOUDFRONT', region: 'us-east-1', defaultAction: { allow: {} } });
    expect(distribution(on).webAclId).toBe(
      'arn:aws:wafv2:us-east-1:123456789012:global/webacl/livechat-development-webhook/1',
    );
    expect(JSON.stringify(acl?.inputs.rules)).not.toMatch(/body|sizeConstraint/i);
  });
});

describe('WEBHOOK_EDGE=prepare', () => {
  const prepared = loadApp('unscheduled');

  it('creates CloudFront, and the function still accepts direct calls', () => {
    expect(outputs(prepared).webhookUrl).toMatch(/cloudfront/);
    expect(listAt(distribution(prepared), 'origins')).toMatchObject([{ customHeaders: [{ value: edgeKey }] }]);
    expect(at(webhook(prepared), digestVariable)).toBeUndefined();
  });

  it('follows WEBHOOK_RATE_PER_IP, and has no allow-list without WEBHOOK_ALLOWED_IPS', () => {
    expect(rules(prepared)).toMatchObject([{ statement: { rateBasedStatement: { limit: 3_000 } } }]);
    expect(ofType(prepared, 'aws:wafv2/ipSet:IpSet')).toEqual([]);
  });
});

describe('invalid settings fail before the deployment', () => {
  it.each([
    ['an unknown mode', { WEBHOOK_EDGE: 'yes' }, /WEBHOOK_EDGE: expected one of off, prepare, on/],
    ['an allow-list without the edge', { WEBHOOK_ALLOWED_IPS: '203.0.113.0/24' }, /WEBHOOK_ALLOWED_IPS: expected/],
    ['an invalid network', { WEBHOOK_EDGE: 'on', WEBHOOK_ALLOWED_IPS: '203.0.113.0' }, /WEBHOOK_ALLOWED_IPS: expected/],
  ])('%s', async (_what, environment, problem) => {
    await synthesize('production', 'deploy', appFile('invalid-edge'), environment);
    const { failures } = JSON.parse(readFileSync(appFile('invalid-edge'), 'utf8'));
    expect(failures.join('\n')).toMatch(problem);
  });
});
