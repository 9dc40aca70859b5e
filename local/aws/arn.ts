/** The account and region of every local resource. */
export const accountId = '000000000000';
export const region = 'us-east-1';

export function functionArn(name: string): string {
  return `arn:aws:lambda:${region}:${accountId}:function:${name}`;
}

export function stateMachineArn(name: string): string {
  return `arn:aws:states:${region}:${accountId}:stateMachine:${name}`;
}

export function executionArn(stateMachine: string, name: string): string {
  return `arn:aws:states:${region}:${accountId}:execution:${stateMachine}:${name}`;
}

export function queueArn(name: string): string {
  return `arn:aws:sqs:${region}:${accountId}:${name}`;
}

export function busArn(name: string): string {
  return `arn:aws:events:${region}:${accountId}:event-bus/${name}`;
}

export function ruleArn(bus: string, name: string): string {
  return `arn:aws:events:${region}:${accountId}:rule/${bus === 'default' ? '' : `${bus}/`}${name}`;
}
