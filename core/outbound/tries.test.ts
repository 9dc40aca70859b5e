import { describe, expect, it } from 'vitest';
import { failures, timeout } from '../../test/model/attempting.ts';
import { FileRefused } from '../media/errors.ts';
import { Deferred, RequestExpired } from './errors.ts';
import { failureOf, mostTries, type TryEnd, triesAfter, tryOf } from './tries.ts';

const claim = { now: 1_000, run: 'run', redrive: 0, redrivenAt: undefined };
const latest = tryOf(claim);
const end: TryEnd = { ended: 1_200, outcome: 'failed', error: 'LiveChatServerError' };

describe('what is kept of attempts', () => {
  it('names the redrive that one belongs to', () => {
    expect(latest).toEqual({ began: 1_000, run: 'run' });
    expect(tryOf({ ...claim, redrive: 2, redrivenAt: 900 })).toEqual({
      began: 1_000,
      run: 'run',
      redrive: 2,
      redrivenAt: 900,
    });
  });

  it('has one more once it has ended, and one that died before stays as it is', () => {
    expect(triesAfter(undefined, latest, end)).toEqual({ tries: [{ ...latest, ...end }] });
    const died = { began: 1, run: 'another' };
    expect(triesAfter({ tries: [died] }, latest, end)).toEqual({ tries: [died, { ...latest, ...end }] });
  });

  it('does not count what was put off', () => {
    expect(triesAfter({ tries: [latest] }, latest, undefined)).toEqual({ tries: [latest] });
  });

  it('is the latest of many, and how many there were before', () => {
    let kept: ReturnType<typeof triesAfter> = { tries: [] };
    for (let began = 1; began <= mostTries + 5; began += 1) kept = triesAfter(kept, { began, run: 'run' }, end);
    expect(kept.tries).toHaveLength(mostTries);
    expect(kept.tries[0]).toMatchObject({ began: 6 });
    expect(kept.untold).toBe(5);
    // Those that died without a word lengthen the list until one tells its end.
    const died = Array.from({ length: 4 }, (_, began) => ({ began, run: 'run' }));
    expect(triesAfter({ ...kept, tries: [...kept.tries, ...died] }, latest, end).untold).toBe(10);
  });
});

describe('how an attempt failed', () => {
  it.each<[string, unknown, object | undefined]>([
    ['LiveChat’s codes', failures.serverError, { error: 'LiveChatServerError', cause: '500 internal' }],
    ['the connection’s code', timeout('none'), { error: 'LiveChatNetworkError', cause: 'ETIMEDOUT' }],
    ['a name alone where the text may say what was sent', new FileRefused('secret.png'), { error: 'FileRefused' }],
    ['what failed before it was put off', new Deferred(0, 'failing', { cause: failures.serverError }), failed()],
    ['what failed before it was too late', new RequestExpired('r', '', { cause: failures.serverError }), failed()],
    ['nothing where it was put off', new Deferred(0, 'limited'), undefined],
    ['nothing where it came too late', new RequestExpired('r', ''), undefined],
  ])('is told by %s', (_name, error, expected) => {
    expect(failureOf(error)).toEqual(expected);
  });

  it('is told in few words, whatever LiveChat calls it', () => {
    const error = Object.assign(new Error('text'), { category: 'Client', status: 400, type: 'x'.repeat(500) });
    expect(failureOf(error)?.cause?.length).toBeLessThan(100);
  });
});

function failed() {
  return { error: 'LiveChatServerError', cause: '500 internal' };
}
