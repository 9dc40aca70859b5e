import { beforeEach, describe, expect, it, vi } from 'vitest';
import { executionInput } from '../../test/model/requests.ts';
import { failures } from '../../test/model/scripted-channel.ts';
import { Deferred } from '../channel/deferred.ts';
import { FileUnavailable } from '../media/errors.ts';
import { NotFirst, RequestExpired, RequestInvalid, StepFailed } from './errors.ts';
import { recordUnsent } from './ports.ts';

const emitted = vi.hoisted((): string[] => []);
const emit = vi.hoisted(() => (name: string, keys: Record<string, unknown>, value = 1) => {
  const { organizationId: _, ...others } = keys;
  emitted.push([name, ...Object.values(others), value].join(' '));
});
vi.mock('../platform/metrics.ts', () => ({ count: emit, measure: emit }));

const acceptedAt = Date.parse('2026-11-22T15:00:00Z');
const request = executionInput({ orderKey: acceptedAt });
beforeEach(() => {
  emitted.length = 0;
});

describe('the metrics of a step that did not send', () => {
  const { serverError, noResponse, clientError } = failures;
  const oldest = 'OldestUnsentSeconds 5';
  it.each<[string, unknown, string[]]>([
    ['a deferral', new Deferred(0, 'rate'), ['SendsDeferred rate 1', oldest]],
    ['a wait for the turn', new NotFirst(0, 1), ['SendsDeferred turn 1', oldest]],
    ['a retry after LiveChat’s error', serverError, ['SendsRetried Server 1', oldest]],
    ['a retry without a response', noResponse, ['SendsRetried Network 1', oldest]],
    ['a retry of a download', new FileUnavailable('x'), ['SendsRetried Network 1', oldest]],
    ['a retry after an error of AWS', new StepFailed(new Error('x')), ['SendsRetried Internal 1', oldest]],
    ['no request that LiveChat rejects: it will be a dead letter', clientError, []],
    ['no expired request', new RequestExpired('request'), []],
    ['no invalid request', new RequestInvalid('data: expected'), []],
  ])('count %s', (_what, error, expected) => {
    recordUnsent(request, error, acceptedAt + 5_000);
    expect(emitted).toEqual(expected);
  });

  it('have no negative age where clocks differ', () => {
    recordUnsent(request, new Deferred(0, 'rate'), acceptedAt - 2_000);
    expect(emitted).toContain('OldestUnsentSeconds 0');
  });
});
