import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../test/depth.ts';
import { executionInput } from '../../test/model/requests.ts';
import { LiveChatApiError } from '../livechat/errors.ts';
import { FileRefused, FileUnavailable } from '../media/errors.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import { isAlreadyReported, parseDeadLetter } from './dead-letter.ts';
import {
  DeliveryMissing,
  deadLetterCategories,
  deadLetterCategory,
  RequestConflict,
  RequestExpired,
  RequestInvalid,
  StepFailed,
} from './errors.ts';

const request = executionInput();
const cause = JSON.stringify({ errorType: 'ChannelClientError', errorMessage: 'no such chat', trace: ['at send'] });

/** What the state DeadLetter sends. */
const fromStateMachine = (error: unknown, more: object = {}) => ({ kind: 'send', request, error, ...more });

/** Step Functions' event of an execution that has ended. */
const statusChange = (status: string, more: object = {}) => ({
  version: '0',
  id: 'status-1',
  source: 'aws.states',
  'detail-type': 'Step Functions Execution Status Change',
  time: '2026-11-22T15:05:00Z',
  detail: {
    executionArn: 'arn:aws:states:us-east-1:000000000000:execution:send:one',
    stateMachineArn: 'arn:aws:states:us-east-1:000000000000:stateMachine:send',
    status,
    input: JSON.stringify({ request }),
    output: null,
    ...more,
  },
});

const event = {
  version: '0',
  id: 'event-2',
  source: 'livechat',
  'detail-type': 'message.received',
  time: '2026-11-22T15:00:00Z',
  detail: { data: { id: 'm1' } },
};
/** What Lambda sends when an asynchronous invocation has failed for good. */
const onFailure = (more: object = {}) => ({
  version: '1.0',
  requestContext: {
    functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:message-received:$LATEST',
    condition: 'RetriesExhausted',
    approximateInvokeCount: 3,
  },
  requestPayload: event,
  responseContext: { statusCode: 200, functionError: 'Unhandled' },
  responsePayload: { errorType: 'TypeError', errorMessage: 'not a function' },
  ...more,
});
/** What functions/send-requested sends. */
const rejected = (error: unknown = { Error: 'RequestInvalid', Cause: 'detail: expected' }) => ({
  kind: 'rejected',
  event,
  error,
});

const parse = (body: unknown, attributes = {}) => parseDeadLetter(JSON.stringify(body), attributes);

describe('a message of the state machine', () => {
  it.each<[string, unknown, string, string]>([
    ['with the function’s error', { Error: 'ChannelClientError', Cause: cause }, 'ChannelClientError', 'no such chat'],
    ['with a cause that is no JSON', { Error: 'States.Timeout', Cause: 'too long' }, 'States.Timeout', 'too long'],
    ['with a cause that is other JSON', { Error: 'X', Cause: '[1]' }, 'X', '[1]'],
    ['without a cause', { Error: 'States.Timeout' }, 'States.Timeout', ''],
    ['without an error', undefined, 'Unknown', ''],
  ])('%s is a failed request', (_name, error, name, message) => {
    const deadLetter = parse(fromStateMachine(error));
    expect(deadLetter).toMatchObject({ kind: 'send', request, error: { name, message }, wasStopped: false });
  });

  it('has another id for each redrive', () => {
    const redriven = { ...request, redrive: 1, redrivenAt: 5 };
    const [one, two] = [parse(fromStateMachine({})), parse(fromStateMachine({}, { request: redriven }))];
    expect(one.id).not.toBe(two.id);
  });
});

describe('the status change of an execution', () => {
  it.each<[string, object, string, string]>([
    ['FAILED', { error: 'ChannelClientError', cause }, 'ChannelClientError', 'no such chat'],
    ['FAILED', { error: 'States.Runtime', cause: 'a missing path' }, 'States.Runtime', 'a missing path'],
    ['FAILED', { error: null, cause: null }, 'FAILED', ''],
    ['ABORTED', { error: null, cause: null }, 'ABORTED', ''],
    ['ABORTED', { error: 'ByHand', cause: 'enough' }, 'ByHand', 'enough'],
    ['ABORTED', {}, 'ABORTED', ''],
    ['TIMED_OUT', {}, 'TIMED_OUT', ''],
    ['TIMED_OUT', { error: 'States.Timeout', cause: null }, 'States.Timeout', ''],
  ])('%s with %o is a failed request, whose function may still run', (status, more, name, message) => {
    const deadLetter = parse(statusChange(status, more));
    expect(deadLetter).toMatchObject({ kind: 'send', request, error: { name, message }, wasStopped: true });
  });

  it('has the id of the state machine’s own message', () => {
    const own = parse(fromStateMachine({ Error: 'ChannelClientError', Cause: cause }));
    expect(parse(statusChange('FAILED', { error: 'ChannelClientError', cause })).id).toBe(own.id);
  });

  it.each<[string, object]>([
    ['cannot be read', { input: '{' }],
    ['is left out for its size', { input: undefined, inputDetails: { included: false } }],
    ['is null', { input: null }],
  ])('is an event that was not handled if its input %s', (_name, more) => {
    expect(parse(statusChange('FAILED', more))).toMatchObject({ kind: 'event', error: { name: 'NotDelivered' } });
  });
});

describe('a status change', () => {
  const error = 'ChannelClientError';
  it.each<[string, boolean, unknown]>([
    ['of an error of functions/send is reported already', true, statusChange('FAILED', { error, cause })],
    ['is not the state machine’s own message', false, fromStateMachine({ Error: error, Cause: cause })],
    ['of the state machine’s own error is not', false, statusChange('FAILED', { error: 'States.Runtime', cause: 'x' })],
    ['of the queue’s error is not', false, statusChange('FAILED', { error: 'SQS.SdkClientException', cause: 'x' })],
    ['with the cause of another error is not', false, statusChange('FAILED', { error: 'SQS.X', cause })],
    ['with a truncated cause is not', false, statusChange('FAILED', { error, cause: cause.slice(0, 40) })],
    ['without an error is not', false, statusChange('FAILED', { error: null, cause: null })],
    ['of a stopped execution is not', false, statusChange('ABORTED', { error, cause })],
    ['of a timeout is not', false, statusChange('TIMED_OUT', {})],
    ['is not another event', false, event],
  ])('%s: %s', (_name, expected, body) => {
    expect(isAlreadyReported(JSON.stringify(body))).toBe(expected);
  });

  it('is read from any text', () => {
    expect(isAlreadyReported('{')).toBe(false);
  });
});

describe('a rejected request', () => {
  it('has its event and its error', () => {
    const error = { name: 'RequestInvalid', message: 'detail: expected' };
    expect(parse(rejected())).toMatchObject({ kind: 'rejected', event, error });
    expect(parse(rejected(undefined))).toMatchObject({ kind: 'rejected' });
    expect(parse(rejected()).id).toBe(parse(rejected({})).id);
  });
});

describe('an event that was not handled', () => {
  it('has the function’s error from Lambda', () => {
    const error = { name: 'TypeError', message: 'not a function' };
    expect(parse(onFailure())).toMatchObject({ kind: 'event', event, error });
  });

  it.each([
    ['no response', { responsePayload: undefined }],
    ['an empty response', { responsePayload: {} }],
    ['the required fields only', { responsePayload: undefined, responseContext: undefined, version: undefined }],
  ])('is read from Lambda with %s', (_name, more) => {
    expect(parse(onFailure(more))).toMatchObject({ kind: 'event', event, error: { name: 'Unknown', message: '' } });
  });

  it.each([
    [
      { ERROR_CODE: 'NO_PERMISSIONS', ERROR_MESSAGE: 'not allowed' },
      { name: 'NO_PERMISSIONS', message: 'not allowed' },
    ],
    [{ ERROR_CODE: 'SDK_CLIENT_ERROR' }, { name: 'SDK_CLIENT_ERROR', message: '' }],
    [{}, { name: 'NotDelivered', message: '' }],
  ])('has the attributes %o of EventBridge', (attributes, error) => {
    expect(parse(event, attributes)).toMatchObject({ kind: 'event', event, error });
  });

  it('has an id for each function, the same for a duplicate', () => {
    const other = { requestContext: { functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:other' } };
    const ids = [onFailure(), onFailure(), onFailure(other), event].map((body) => parse(body).id);
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(3);
  });
});

describe('any other message', () => {
  it.each([
    ['no JSON', 'hello'],
    ['nothing', ''],
    ['null', 'null'],
    ['a list', '[]'],
    ['a failed request without the request', '{"kind":"send"}'],
    ['a failed request of another version', JSON.stringify(fromStateMachine({}, { request: { version: 9 } }))],
    ['a rejected request without its event', '{"kind":"rejected","event":{}}'],
    ['a failure without an event', JSON.stringify(onFailure({ requestPayload: { hello: 1 } }))],
    ['JSON that is nested deeply', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ])('is unreadable: %s', (_name, text) => {
    const deadLetter = parseDeadLetter(text);
    expect(deadLetter).toMatchObject({ kind: 'unreadable', error: { name: 'Unreadable' } });
    expect(parseDeadLetter(text).id).toBe(deadLetter.id);
  });

  /** Messages of every shape with any value in any place. */
  const altered = fc
    .tuple(
      fc.constantFrom<object>(
        fromStateMachine({ Error: 'X', Cause: cause }),
        statusChange('FAILED'),
        onFailure(),
        rejected(),
        event,
      ),
      fc.constantFrom('kind', 'request', 'error', 'event', 'detail', 'requestContext', 'requestPayload', 'id'),
      fc.jsonValue(),
    )
    .map(([body, field, value]) => JSON.stringify({ ...body, [field]: value }));

  it('never throws, and is one dead letter with an id', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json(), altered), (text) => {
        const deadLetter = parseDeadLetter(text);
        expect(deadLetter.id).toMatch(/^[0-9a-f]{32}$/);
        expect(parseDeadLetter(text)).toEqual(deadLetter);
        expect(typeof isAlreadyReported(text)).toBe('boolean');
        expect(deadLetterCategories).toContain(deadLetterCategory(deadLetter.kind, deadLetter.error.name));
      }),
      propertyRuns(2_000),
    );
  });
});

describe('the category', () => {
  const refused = { message: 'no', method: 'send_event', outcome: 'refused' } as const;
  it.each<[{ readonly name: string }, string]>([
    [new LiveChatApiError('Authentication', refused), 'Authentication'],
    [new LiveChatApiError('Client', refused), 'Client'],
    [new LiveChatApiError('Network', refused), 'Network'],
    [new LiveChatApiError('RateLimit', refused), 'RateLimit'],
    [new LiveChatApiError('Repairable', { ...refused, repair: 'join' }), 'Repairable'],
    [new LiveChatApiError('Server', refused), 'Server'],
    [new ConfigurationError('LIVECHAT_AGENT_ID', 'an e-mail'), 'Configuration'],
    [new DeliveryMissing('out-1'), 'Expired'],
    [new FileRefused('no'), 'Invalid'],
    [new FileUnavailable('no'), 'Network'],
    [new RequestConflict('request-1'), 'Invalid'],
    [new RequestInvalid('data'), 'Invalid'],
    [new RequestExpired('request-1'), 'Expired'],
    [new StepFailed(undefined), 'Internal'],
    [{ name: 'ABORTED' }, 'Stopped'],
    [{ name: 'TIMED_OUT' }, 'Stopped'],
    [{ name: 'constructor' }, 'Internal'],
  ])('of %s is %s', (error, category) => {
    expect(deadLetterCategory('send', error.name)).toBe(category);
    expect(deadLetterCategories).toContain(category);
  });

  it.each([
    ['event', 'Event'],
    ['unreadable', 'Unreadable'],
  ] as const)('of the kind %s is %s, whatever its error is', (kind, category) => {
    expect(deadLetterCategory(kind, 'RequestInvalid')).toBe(category);
    expect(deadLetterCategories).toContain(category);
  });
});
