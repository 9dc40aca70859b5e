/** The account and region that everything local says it is in. */
export const accountId = '000000000000';
export const region = 'us-east-1';

export function functionArn(name: string): string {
  return `arn:aws:lambda:${region}:${accountId}:function:${name}`;
}
