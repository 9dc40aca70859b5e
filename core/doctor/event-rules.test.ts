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

describe('a queue’s policy lets a rule’s dead letters in', () => {
  it.each<[string, unknown]>([
    ['that names it', [right]],
    ['of one statement, without a list', right],
    ['beside another statement', [{ ...right, Effect: 'Deny', Action: 'sqs:Purge*' }, right]],
    [
      'for several actions and services',
      [{ ...right, Principal: { Service: ['a', 'events.amazonaws.com'] }, Action: ['sqs:*'] }],
    ],
    ['by a pattern', [withSource('ArnLike', { 'AWS:SourceArn': 'arn:aws:events:*:1:rule/omni*' })]],
    ['whatever the source', [{ ...right, Condition: undefined }]],
    ['of everybody', [{ ...right, Principal: '*' }]],
    [
      'with a condition on something else, too',
      [{ ...right, Condition: { ...right.Condition, Bool: { 'aws:SecureTransport': 'true' } } }],
    ],
  ])('%s', (_what, Statement) => {
    expect(allowsDeadLetters(JSON.stringify({ Version: '2012-10-17', Statement }), rule)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['that names others', [withSource('ArnEquals', { 'aws:SourceArn': `${rule}-2` })]],
    ['that takes a dot for any letter', [withSource('ArnLike', { 'aws:SourceArn': rule.replace(':1:', ':.:') })]],
    ['of another service', [{ ...right, Principal: { Service: 'sns.amazonaws.com' } }]],
    ['for another action', [{ ...right, Action: 'sqs:ReceiveMessage' }]],
    ['that refuses it', [{ ...right, Effect: 'Deny' }]],
    ['without statements', []],
  ])('but not one %s', (_what, Statement) => {
    expect(allowsDeadLetters(JSON.stringify({ Statement }), rule)).toBe(false);
  });

  it('but not none', () => {
    expect(allowsDeadLetters(undefined, rule)).toBe(false);
  });
});
