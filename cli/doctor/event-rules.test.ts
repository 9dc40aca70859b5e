import { describe, expect, it } from 'vitest';
import { allowsDeadLetters } from './event-rules.ts';

const rule = 'arn:aws:events:eu-central-1:1:rule/omnichannel/message-received';
const right = {
  Effect: 'Allow',
  Principal: { Service: 'events.amazonaws.com' },
  Action: 'sqs:SendMessage',
  Resource: '*',
  Condition: { ArnEquals: { 'aws:SourceArn': [rule, `${rule}-2`] } },
};
const withSource = (operator: string, source: unknown) => ({ ...right, Condition: { [operator]: source } });

describe('allowsDeadLetters', () => {
  it.each<[string, unknown]>([
    ['that names it', [right]],
    ['of one statement that is not a list', right],
    ['with another statement', [{ ...right, Effect: 'Deny', Action: 'sqs:Purge*' }, right]],
    [
      'with several actions and services',
      [{ ...right, Principal: { Service: ['a', 'events.amazonaws.com'] }, Action: ['sqs:*'] }],
    ],
    ['with a pattern', [withSource('ArnLike', { 'AWS:SourceArn': 'arn:aws:events:*:1:rule/omni*' })]],
    ['without a condition', [{ ...right, Condition: undefined }]],
    ['for everybody', [{ ...right, Principal: '*' }]],
    [
      'with a further condition',
      [{ ...right, Condition: { ...right.Condition, Bool: { 'aws:SecureTransport': 'true' } } }],
    ],
  ])('accepts a policy %s', (_what, Statement) => {
    expect(allowsDeadLetters(JSON.stringify({ Version: '2012-10-17', Statement }), rule)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['that names others', [withSource('ArnEquals', { 'aws:SourceArn': `${rule}-2` })]],
    ['that treats a dot as a wildcard', [withSource('ArnLike', { 'aws:SourceArn': rule.replace(':1:', ':.:') })]],
    ['of another service', [{ ...right, Principal: { Service: 'sns.amazonaws.com' } }]],
    ['for another action', [{ ...right, Action: 'sqs:ReceiveMessage' }]],
    ['that denies it', [{ ...right, Effect: 'Deny' }]],
    ['without statements', []],
  ])('rejects a policy %s', (_what, Statement) => {
    expect(allowsDeadLetters(JSON.stringify({ Statement }), rule)).toBe(false);
  });

  it('rejects a missing policy', () => {
    expect(allowsDeadLetters(undefined, rule)).toBe(false);
  });
});
