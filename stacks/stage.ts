/** What differs by stage, and how things are called in it. */

export const production = $app.stage === 'production';

/** How one of our own things is called in this account: `livechat-dev-webhook`. */
export function named(what: string): string {
  return `${$app.name}-${$app.stage}-${what}`;
}

/** What our metrics say they are of: one service a stage. */
export const service = `${$app.name}-${$app.stage}`;

/** A name that other services write down: plain in production, with the stage elsewhere. */
export function shared(what: string): string {
  return production ? what : `${what}-${$app.stage}`;
}

/** `message-received` → `MessageReceived`, as components are named. */
export function componentName(name: string): string {
  return name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** How long logs are kept: in SST's words and in days. */
export const logRetention = production
  ? ({ words: '3 months', days: 90 } as const)
  : ({ words: '1 week', days: 7 } as const);

const { accountId } = aws.getCallerIdentityOutput();
const { region } = aws.getRegionOutput();
const { partition } = aws.getPartitionOutput();

/** The ARN of something in this account and region, known by its name before it is there. */
export function arn(service: string, resource: string) {
  return $interpolate`arn:${partition}:${service}:${region}:${accountId}:${resource}`;
}

export { accountId, region };
