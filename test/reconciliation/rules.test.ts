import { describe, expect, it } from 'vitest';
import { compilePattern } from '../../local/aws/event-pattern.ts';
import * as topology from '../../stacks/topology.ts';

const customer = { id: 'customer', type: 'customer' };
const text = { type: 'text', author: customer };
const file = { type: 'media', author: customer };
const metadata = { id: 'e', carrier: 'livechat' };
const recovered = { ...metadata, recovered: true };

/** The functions whose rule matches an event of the bridge. */
function targets(detailType: string, detail: object): string[] {
  const event = { source: 'omnichannel.livechat', 'detail-type': detailType, detail };
  return Object.values(topology.rules)
    .flatMap(({ pattern, target }) => ('function' in target && compilePattern(pattern)(event) ? target.function : []))
    .sort();
}

describe('the rules pass a recovered event to the functions that store, not to those that route', () => {
  it.each<[string, string, object, readonly string[]]>([
    ['a start', 'chat.started', {}, ['chat-started']],
    ['an observation', 'chat.observed', {}, ['chat-observed']],
    ['a text', 'message.received', text, ['message-received']],
    ['a file', 'message.received', file, ['message-received', 'store-media']],
    ['a file in a note', 'note.received', file, ['note-received', 'store-media']],
    ['our own file', 'message.delivered', { message: file }, ['message-delivered', 'store-media']],
    ['another file', 'message.updated', file, ['message-updated', 'store-media']],
    ['a deletion', 'message.deleted', {}, ['message-deleted']],
  ])('%s', (_what, detailType, data, functions) => {
    expect(targets(detailType, { metadata: recovered, data })).toEqual(functions);
    const received = targets(detailType, { metadata, data });
    expect(received.filter((name) => !name.startsWith('route-'))).toEqual(functions);
  });

  it('also if its data is in the bucket', () => {
    const detail = { metadata: recovered, dataRef: { key: 'k' } };
    expect(targets('chat.started', detail)).toEqual(['chat-started']);
    expect(targets('message.received', detail)).toEqual(['message-received', 'store-media']);
  });
});

it('the rules pass an event of a webhook to the functions that route', () => {
  expect(targets('chat.started', { metadata, data: {} })).toContain('route-thread');
  expect(targets('routing.requested', { metadata, data: {} })).toEqual(['route-first-message']);
});

describe('the rule of recoveries', () => {
  const names = { stateMachineArn: () => '', alarmName: (name: string) => `livechat-production-${name}` };
  const { 'webhooks-recovered': rule } = topology.rules;
  const change = (alarm: string, from: string, to: string) => ({
    source: 'aws.cloudwatch',
    'detail-type': 'CloudWatch Alarm State Change',
    detail: {
      alarmName: alarm,
      state: { value: to, reason: 'Threshold Crossed' },
      previousState: { value: from, reason: 'Threshold Crossed' },
    },
  });

  it.each([
    ['an alarm on webhooks that returns to OK', change('livechat-production-webhook-errors', 'ALARM', 'OK'), true],
    ['webhooks that arrive again', change('livechat-production-webhook-quiet', 'ALARM', 'OK'), true],
    ['an alarm that fires', change('livechat-production-webhook-errors', 'OK', 'ALARM'), false],
    ['a new alarm', change('livechat-production-webhook-errors', 'INSUFFICIENT_DATA', 'OK'), false],
    ['another alarm', change('livechat-production-oldest-unsent', 'ALARM', 'OK'), false],
    ['another stage', change('livechat-dev-webhook-errors', 'ALARM', 'OK'), false],
  ])('%s', (_what, event, matches) => {
    expect(rule && compilePattern(topology.resolvePattern(rule, names))(event)).toBe(matches);
  });
});
