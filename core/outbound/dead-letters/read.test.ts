import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isToldByMachine, type Letter, readLetter } from './read.ts';

const execution = 'arn:aws:states:us-east-1:000000000000:execution:send:one';
const input = { id: 'event-1', time: '2026-11-22T15:00:00Z', detail: { data: { requestId: 'r1' } } };
const cause = JSON.stringify({ errorType: 'LiveChatClientError', errorMessage: 'no such chat', trace: ['at send'] });

/** What the machine's own DeadLetter state sends. */
const own = (error: unknown, more: object = {}) => ({ kind: 'send', execution, state: { ...input, ...more, error } });

/** What Step Functions tells the default bus when a run has ended. */
const ended = (status: string, more: object = {}) => ({
  version: '0',
  id: 'status-1',
  source: 'aws.states',
  'detail-type': 'Step Functions Execution Status Change',
  time: '2026-11-22T15:05:00Z',
  detail: {
    executionArn: execution,
    stateMachineArn: 'arn:aws:states:us-east-1:000000000000:stateMachine:send',
    status,
    input: JSON.stringify(input),
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

const read = (body: unknown, reasons = {}) => readLetter(JSON.stringify(body), reasons);
const sendLetter = (name: string, message: string, state: unknown = input) =>
  expect.objectContaining({ kind: 'send', execution, state, error: { name, message } });

describe('a dead letter of the send machine', () => {
  it.each<[string, unknown, string, string]>([
    [
      'holds the function’s error',
      { Error: 'LiveChatClientError', Cause: cause },
      'LiveChatClientError',
      'no such chat',
    ],
    ['holds a cause that is no JSON', { Error: 'States.Timeout', Cause: 'too long' }, 'States.Timeout', 'too long'],
    ['holds a cause that is other JSON', { Error: 'X', Cause: '[1]' }, 'X', '[1]'],
    ['may lack the cause', { Error: 'States.Timeout' }, 'States.Timeout', ''],
    ['may lack the error', undefined, 'Unknown', ''],
  ])('%s', (_name, error, name, message) => {
    expect(read(own(error))).toEqual(sendLetter(name, message));
  });

  it('keeps what the machine has added to the request, save for the error', () => {
    const more = { deferral: { cause: {} }, redrive: { number: 1, at: 5 } };
    expect(read(own({ Error: 'X', Cause: 'y' }, more))).toEqual(sendLetter('X', 'y', { ...input, ...more }));
  });
});

describe('the end of a run that Step Functions tells of', () => {
  it.each<[string, object, string, string]>([
    ['FAILED', { error: 'LiveChatClientError', cause }, 'LiveChatClientError', 'no such chat'],
    ['FAILED', { error: 'States.Runtime', cause: 'a missing path' }, 'States.Runtime', 'a missing path'],
    ['FAILED', { error: null, cause: null }, 'FAILED', ''],
    ['ABORTED', { error: null, cause: null }, 'ABORTED', ''],
    ['ABORTED', { error: 'ByHand', cause: 'enough' }, 'ByHand', 'enough'],
    ['ABORTED', {}, 'ABORTED', ''],
    ['TIMED_OUT', {}, 'TIMED_OUT', ''],
    ['TIMED_OUT', { error: 'States.Timeout', cause: null }, 'States.Timeout', ''],
  ])('%s with %o is a send letter too', (status, more, name, message) => {
    expect(read(ended(status, more))).toEqual(sendLetter(name, message));
  });

  it('is the same letter as the machine’s own', () => {
    const error = { Error: 'LiveChatClientError', Cause: cause };
    const told = read(ended('FAILED', { error: error.Error, cause }));
    expect(told).toEqual(read(own(error)));
    expect(read(ended('FAILED', { error: 'other', executionArn: `${execution}-2` })).id).not.toBe(told.id);
  });

  it('is a send letter even when its input cannot be read', () => {
    expect(read(ended('FAILED', { input: '{' }))).toMatchObject({ kind: 'send', execution, state: undefined });
  });

  it('is a send letter when Step Functions leaves the input out, for its size', () => {
    const more = { input: undefined, inputDetails: { included: false } };
    expect(read(ended('FAILED', more))).toMatchObject({ kind: 'send', execution });
    expect(read(ended('FAILED', { ...more, input: null }))).toMatchObject({ kind: 'send', execution });
  });
});

describe('the end of a run is told by the machine’s own letter', () => {
  const error = 'LiveChatClientError';
  it.each<[string, boolean, unknown]>([
    ['it ended in what functions/send threw', true, ended('FAILED', { error, cause })],
    ['it is that letter itself', false, own({ Error: error, Cause: cause })],
    ['the machine itself was wrong', false, ended('FAILED', { error: 'States.Runtime', cause: 'a missing path' })],
    [
      'the queue did not take the letter',
      false,
      ended('FAILED', { error: 'SQS.SdkClientException', cause: 'Unable to reach' }),
    ],
    ['the cause is of another error', false, ended('FAILED', { error: 'SQS.AmazonSQSException', cause })],
    ['the cause is cut off', false, ended('FAILED', { error, cause: cause.slice(0, 40) })],
    ['it says no error', false, ended('FAILED', { error: null, cause: null })],
    ['it was stopped, whatever was said', false, ended('ABORTED', { error, cause })],
    ['it took too long', false, ended('TIMED_OUT', {})],
    ['it is something else', false, event],
  ])('when %s: %s', (_what, expected, body) => {
    expect(isToldByMachine(JSON.stringify(body))).toBe(expected);
  });
});

describe('an event that no function could handle', () => {
  it('comes from Lambda with the function’s error', () => {
    const error = { name: 'TypeError', message: 'not a function' };
    expect(read(onFailure())).toMatchObject({ kind: 'event', event, error });
  });

  it.each([
    ['no answer of the function', { responsePayload: undefined }],
    ['an answer that says nothing', { responsePayload: {} }],
    ['no more than was asked', { responsePayload: undefined, responseContext: undefined, version: undefined }],
  ])('comes from Lambda with %s', (_name, more) => {
    expect(read(onFailure(more))).toMatchObject({ kind: 'event', event, error: { name: 'Unknown', message: '' } });
  });

  it.each([
    [
      { ERROR_CODE: 'NO_PERMISSIONS', ERROR_MESSAGE: 'not allowed' },
      { name: 'NO_PERMISSIONS', message: 'not allowed' },
    ],
    [{ ERROR_CODE: 'SDK_CLIENT_ERROR' }, { name: 'SDK_CLIENT_ERROR', message: '' }],
    [{}, { name: 'NotDelivered', message: '' }],
  ])('comes from EventBridge with the attributes %o', (reasons, error) => {
    expect(read(event, reasons)).toMatchObject({ kind: 'event', event, error });
  });

  it('is a letter for each function that failed, and the same when told again', () => {
    const other = { requestContext: { functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:other' } };
    const ids = [onFailure(), onFailure(), onFailure(other), event].map((body) => read(body).id);
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(3);
  });
});

describe('anything else', () => {
  it.each([
    ['no JSON', 'hello'],
    ['nothing', ''],
    ['null', 'null'],
    ['a list', '[]'],
    ['a send letter without an execution', '{"kind":"send","state":{}}'],
    ['a send letter without a state', '{"kind":"send","execution":"arn"}'],
    ['a failure without an event', JSON.stringify(onFailure({ requestPayload: { hello: 1 } }))],
    ['nested as deep as a message may be', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ])('is kept unread: %s', (_name, text) => {
    const letter = readLetter(text);
    expect(letter).toMatchObject({ kind: 'unread', error: { name: 'Unread' } });
    expect(readLetter(text).id).toBe(letter.id);
  });

  /** Letters of all shapes with anything in any place. */
  const bent = fc
    .tuple(
      fc.constantFrom<object>(own({ Error: 'X', Cause: cause }), ended('FAILED'), onFailure(), event),
      fc.constantFrom(
        'kind',
        'execution',
        'state',
        'detail',
        'requestContext',
        'requestPayload',
        'responsePayload',
        'id',
      ),
      fc.jsonValue(),
    )
    .map(([body, field, value]) => JSON.stringify({ ...body, [field]: value }));

  it('never throws, and is one letter with an id, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json(), bent), (text) => {
        const letter: Letter = readLetter(text);
        expect(letter.id).toMatch(/^[0-9a-f]{32}$/);
        expect(letter.error.name).not.toBe('');
        expect(readLetter(text)).toEqual(letter);
      }),
      { numRuns: 2_000 },
    );
  });
});
