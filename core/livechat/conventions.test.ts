import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countMissingEvents } from './conventions.ts';

const now = Date.parse('2026-03-11T10:00:00Z');
const overdue = '2026-03-11T09:00:00.000001Z';
const recent = '2026-03-11T09:59:30.000001Z';
const at = (time: string | undefined, ...ids: string[]) => ids.map((id) => ({ id, at: time }));

describe('countMissingEvents', () => {
  it.each([
    ['no events', [], 0],
    ['complete numbers', at(overdue, 'T_1', 'T_2', 'T_3'), 0],
    ['one gap', at(overdue, 'T_1', 'T_3'), 1],
    ['several gaps, in any order', at(overdue, 'T_9', 'T_2', 'T_5'), 5],
    ['a thread received from the middle', at(overdue, 'T_7', 'T_8'), 0],
    ['a tombstone without a received event', [...at(overdue, 'T_1', 'T_3'), ...at(undefined, 'T_2')], 0],
    ['a gap younger than a minute', [...at(overdue, 'T_1'), ...at(recent, 'T_3')], 0],
    ['a gap younger and one older than a minute', [...at(overdue, 'T_1', 'T_3'), ...at(recent, 'T_5')], 1],
    ['an event out of order', [...at(overdue, 'T_1', 'T_3'), ...at(recent, 'T_2')], 0],
    ['ids in another format', at(overdue, 'b5a0', 'T_x', 'T_', 'T_-4', 'T_1e3', '_9', 'TT_9'), 0],
    ['ids of another thread', at(overdue, 'T_1', 'U_9'), 0],
    ['an invalid time', [...at(overdue, 'T_1'), ...at('yesterday', 'T_9')], 0],
  ])('for %s', (_what, events, missing) => {
    expect(countMissingEvents('T', events, now)).toBe(missing);
  });

  it('counts every number removed from the middle', () => {
    const thread = fc
      .integer({ min: 3, max: 200 })
      .chain((last) =>
        fc.record({ last: fc.constant(last), removed: fc.uniqueArray(fc.integer({ min: 2, max: last - 1 })) }),
      );
    fc.assert(
      fc.property(thread, ({ last, removed }) => {
        const remaining = Array.from({ length: last }, (_, index) => index + 1).filter(
          (number) => !removed.includes(number),
        );
        expect(countMissingEvents('T8_1', at(overdue, ...remaining.map((number) => `T8_1_${number}`)), now)).toBe(
          removed.length,
        );
      }),
    );
  });
});
