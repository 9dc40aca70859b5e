import { createHash } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { ConfigurationError, edgeKey, wholeNumber } from '../core/platform/configuration.ts';
import { oneOf, resourceName, webhookThrottle } from './settings.ts';

// The optional edge: CloudFront with AWS WAF in front of the API. WEBHOOK_EDGE turns it on; see docs/how-to/deploy.md.

const mode = oneOf('WEBHOOK_EDGE', ['off', 'prepare', 'on']);

const networks = (process.env.WEBHOOK_ALLOWED_IPS ?? '').split(/[\s,]+/).filter((network) => network !== '');
for (const network of networks) {
  const [address = '', bits = ''] = network.split('/');
  // AWS WAF rejects /0.
  const isNetwork = isIPv4(address) && /^\d\d?$/.test(bits) && Number(bits) >= 1 && Number(bits) <= 32;
  if (!isNetwork || mode === 'off') {
    throw new ConfigurationError('WEBHOOK_ALLOWED_IPS', 'IPv4 networks such as 203.0.113.0/24, and WEBHOOK_EDGE=on');
  }
}

/** In webhooks per second. By default, one address can use half of the route's limit. */
const ratePerIp = wholeNumber('WEBHOOK_RATE_PER_IP', Math.ceil(webhookThrottle.perSecond / 2), 1);

/** A new version rotates the key. */
const version = process.env.WEBHOOK_EDGE_KEY_VERSION || '1';

const key =
  mode === 'off'
    ? undefined
    : new random.RandomPassword('EdgeKey', { length: 64, special: false, keepers: { version } });

/**
 * The environment of the webhook function. With the digest of the key it rejects calls that go around CloudFront. The digest of
 * a random value reveals nothing about the value.
 */
export const edgeEnvironment: Readonly<Record<string, $util.Input<string>>> =
  key && mode === 'on'
    ? { [edgeKey.variable]: key.result.apply((value) => createHash('sha256').update(value).digest('hex')) }
    : {};

/** The URL that callers use: CloudFront's, or that of the API without the edge. */
export function createEdge(apiUrl: $util.Output<string>, parent: $util.Resource): $util.Output<string> {
  if (!key) return apiUrl;
  const within = { parent };
  const origin = 'api';
  const distribution = new aws.cloudfront.Distribution(
    'Edge',
    {
      comment: resourceName('webhook'),
      enabled: true,
      // The allow-list has IPv4 networks only.
      isIpv6Enabled: false,
      priceClass: 'PriceClass_100',
      webAclId: createWebAcl(parent).arn,
      origins: [
        {
          originId: origin,
          domainName: apiUrl.apply((url) => new URL(url).hostname),
          customOriginConfig: {
            httpPort: 80,
            httpsPort: 443,
            originProtocolPolicy: 'https-only',
            originSslProtocols: ['TLSv1.2'],
          },
          // Replaces a header of that name in the viewer's request.
          customHeaders: [{ name: edgeKey.header, value: key.result }],
        },
      ],
      defaultCacheBehavior: {
        targetOriginId: origin,
        viewerProtocolPolicy: 'https-only',
        // CloudFront allows POST only together with all other methods.
        allowedMethods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'POST', 'PATCH', 'DELETE'],
        cachedMethods: ['GET', 'HEAD'],
        // AWS's managed policies CachingDisabled and AllViewerExceptHostHeader. API Gateway requires its own host name.
        cachePolicyId: '4135ea2d-6df8-44a3-9df3-4b5a84be39ad',
        originRequestPolicyId: 'b689b0a8-53d0-40ab-baf2-68738e2966ac',
      },
      restrictions: { geoRestriction: { restrictionType: 'none' } },
      viewerCertificate: { cloudfrontDefaultCertificate: true },
    },
    within,
  );
  return $interpolate`https://${distribution.domainName}`;
}

/** No rule inspects the body, so AWS WAF's limit of 16 KB on inspected bodies does not apply. */
function createWebAcl(parent: $util.Resource): aws.wafv2.WebAcl {
  // AWS WAF keeps what belongs to CloudFront in us-east-1.
  const global = { scope: 'CLOUDFRONT', region: 'us-east-1' };
  const visibility = (name: string) => ({
    cloudwatchMetricsEnabled: true,
    metricName: resourceName(name),
    sampledRequestsEnabled: true,
  });
  const block = (name: string, priority: number, statement: object) => ({
    name,
    priority,
    statement,
    action: { block: {} },
    visibilityConfig: visibility(name),
  });
  const rules = [
    block('rate-per-ip', 1, {
      rateBasedStatement: { aggregateKeyType: 'IP', evaluationWindowSec: 60, limit: 60 * ratePerIp },
    }),
  ];
  if (networks.length > 0) {
    const name = resourceName('allowed-ips');
    const set = { ...global, name, ipAddressVersion: 'IPV4', addresses: networks };
    const { arn } = new aws.wafv2.IpSet('AllowedIps', set, { parent });
    rules.push(block('not-allowed-ip', 0, { notStatement: { statements: [{ ipSetReferenceStatement: { arn } }] } }));
  }
  return new aws.wafv2.WebAcl(
    'EdgeAcl',
    {
      ...global,
      name: resourceName('webhook'),
      defaultAction: { allow: {} },
      rules,
      visibilityConfig: visibility('webhook-edge'),
    },
    { parent },
  );
}
