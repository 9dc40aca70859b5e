import { describe, expect, it } from 'vitest';
import type { EventData } from '../events/catalogue.ts';
import {
  factsAtStart,
  factValues,
  findFact,
  isOpen,
  isRoutable,
  type OpeningHours,
  parseInterval,
  withCustomer,
} from './facts.ts';

const started: EventData<'chat.started'> = {
  conversationId: 'C',
  threadId: 'T',
  reason: 'new',
  createdAt: '2026-03-11T09:14:10.120340Z',
  active: true,
  participants: [
    { id: 'nina@acme.example', type: 'agent', present: true },
    {
      id: 'c',
      type: 'customer',
      name: 'Dana',
      email: 'dana@shop.example',
      country: 'PL',
      fields: { plan: 'Pro', 'a.b': 'dotted', Locale: 'pt_BR' },
    },
  ],
  groups: [4, 7],
  sourcePage: 'https://shop.example/cart?x=1',
  tags: [],
  causedByUs: false,
  returning: false,
  opening: {
    answers: [
      { id: '10023', label: 'Topic:', values: ['Order status'] },
      { id: '10024', label: 'Products', values: ['Shoes', 'Bags'] },
    ],
    text: 'Where is my order 4711?',
  },
};
const facts = factsAtStart(started);
const open = { office: { timeZone: 'Europe/Warsaw', open: { wed: ['09:00-17:00'] } } };

describe('factValues', () => {
  it.each<[string, readonly unknown[] | 'not yet']>([
    ['customer.id', ['c']],
    ['customer.name', ['Dana']],
    ['customer.email', ['dana@shop.example']],
    ['session.plan', ['Pro']],
    ['session.a.b', ['dotted']],
    ['session.Plan', []],
    ['session.constructor', []],
    ['country', ['PL']],
    ['language', ['pt']],
    ['group', [4, 7]],
    ['page', ['https://shop.example/cart?x=1']],
    ['answers.Topic', ['Order status']],
    ['answers.topic:', ['Order status']],
    ['answers.10024', ['Shoes', 'Bags']],
    ['answers.Other', []],
    ['returning', [false]],
    ['message', ['Where is my order 4711?']],
    ['hours.office', [true]],
    ['hours.other', []],
    ['nothing', []],
  ])('%s', (fact, values) => {
    expect(factValues(fact, facts, open)).toEqual(values);
  });

  it('returns no value for an unknown fact', () => {
    const bare = factsAtStart({
      ...started,
      participants: [],
      groups: [],
      sourcePage: undefined,
      returning: undefined,
      opening: undefined,
    });
    for (const fact of ['customer.id', 'country', 'language', 'page', 'group', 'answers.Topic', 'returning']) {
      expect(factValues(fact, bare)).toEqual([]);
    }
    expect(factValues('message', bare)).toBe('not yet');
  });

  it('replaces only the facts of the customer', () => {
    const later = withCustomer(facts, [
      { id: 'c', type: 'customer', country: 'DE', fields: { plan: 'free', lang: 'de-AT' } },
    ]);
    expect(later).toMatchObject({ country: 'DE', language: 'de', session: { plan: 'free' }, message: facts.message });
    expect(withCustomer(facts, [])).toEqual(facts);
  });

  it.each([
    ['session.plan', 'text'],
    ['hours.office', 'boolean'],
    ['group', 'number'],
    ['session.', undefined],
    ['session', undefined],
    ['constructor', undefined],
    ['toString.x', undefined],
    ['', undefined],
  ])('the fact %j is of kind %s', (fact, kind) => {
    expect(findFact(fact)?.kind).toBe(kind);
  });
});

it.each<[Partial<EventData<'chat.started'>>, boolean]>([
  [{}, true],
  [{ reason: 'reopened' }, true],
  [{ by: { id: 'c', type: 'customer' } }, true],
  [{ reason: 'transferred' }, false],
  [{ active: false }, false],
  [{ causedByUs: true }, false],
  [{ by: { id: 'nina@acme.example', type: 'agent' } }, false],
  [{ by: { id: 'b41f7c0d93ae4e6f8c25d10a6b7e3f92', type: 'bot' } }, false],
])('a thread with %j is routed: %s', (more, routed) => {
  expect(isRoutable({ ...started, ...more })).toBe(routed);
});

const warsaw: OpeningHours = {
  timeZone: 'Europe/Warsaw',
  open: { mon: ['09:00-12:00', '13:00-17:00'], sat: ['22:00-06:00'], sun: ['01:00-04:00'] },
  closedOn: ['2026-12-21', '2026-03-14'],
};
const at = (instant: string, hours: OpeningHours = warsaw) => isOpen(hours, new Date(instant));

describe('opening hours', () => {
  it.each([
    // Monday 9 March, an hour ahead of UTC.
    ['2026-03-09T07:59:59Z', false],
    ['2026-03-09T08:00:00Z', true],
    ['2026-03-09T10:59:59Z', true],
    ['2026-03-09T11:00:00Z', false],
    ['2026-03-09T12:00:00Z', true],
    ['2026-03-09T16:00:00Z', false],
    ['2026-03-10T09:00:00Z', false],
    // Monday 15 June, two hours ahead.
    ['2026-06-15T07:00:00Z', true],
    ['2026-06-15T06:59:00Z', false],
    ['2026-06-15T15:00:00Z', false],
    // A holiday.
    ['2026-12-21T10:00:00Z', false],
    ['2026-12-28T10:00:00Z', true],
  ])('at %s: %s', (instant, open) => {
    expect(at(instant)).toBe(open);
  });

  it.each([
    ['2026-03-07T21:00:00Z', true],
    ['2026-03-08T04:59:00Z', true],
    ['2026-03-08T05:00:00Z', false],
    ['2026-03-07T20:59:00Z', false],
    // A holiday's interval does not start, so only Sunday's own hours apply.
    ['2026-03-14T22:00:00Z', false],
    ['2026-03-15T02:00:00Z', true],
    ['2026-03-15T04:00:00Z', false],
  ])('across midnight, at %s: %s', (instant, open) => {
    expect(at(instant)).toBe(open);
  });

  it('use local time on the day on which daylight saving starts', () => {
    const hours = { timeZone: 'Europe/Warsaw', open: { sun: ['01:30-03:30'] } };
    const open = (instant: string) => at(instant, hours);
    // 02:00 is 03:00: an hour is missing, of which half an hour was open.
    expect(open('2026-03-29T00:29:00Z')).toBe(false);
    expect(open('2026-03-29T00:30:00Z')).toBe(true);
    expect(open('2026-03-29T00:59:00Z')).toBe(true);
    expect(open('2026-03-29T01:00:00Z')).toBe(true);
    expect(open('2026-03-29T01:29:00Z')).toBe(true);
    expect(open('2026-03-29T01:30:00Z')).toBe(false);
  });

  it('use local time on the day on which daylight saving ends', () => {
    const hours = { timeZone: 'Europe/Warsaw', open: { sun: ['02:15-02:45'] } };
    const open = (instant: string) => at(instant, hours);
    // 03:00 is 02:00 again.
    expect(open('2026-10-25T00:15:00Z')).toBe(true);
    expect(open('2026-10-25T00:45:00Z')).toBe(false);
    expect(open('2026-10-25T01:15:00Z')).toBe(true);
    expect(open('2026-10-25T01:45:00Z')).toBe(false);
  });

  it('support an offset of 45 minutes, and one of more than 12 hours', () => {
    expect(at('2026-03-09T03:14:00Z', { timeZone: 'Asia/Kathmandu', open: { mon: ['09:00-10:00'] } })).toBe(false);
    expect(at('2026-03-09T03:15:00Z', { timeZone: 'Asia/Kathmandu', open: { mon: ['09:00-10:00'] } })).toBe(true);
    expect(at('2026-03-08T12:00:00Z', { timeZone: 'Pacific/Apia', open: { mon: ['00:00-24:00'] } })).toBe(true);
  });

  it('can cover every hour of the week', () => {
    const day = ['00:00-24:00'];
    const hours = { timeZone: 'UTC', open: { mon: day, tue: day, wed: day, thu: day, fri: day, sat: day, sun: day } };
    for (let hour = 0; hour < 24 * 8; hour += 1)
      expect(isOpen(hours, new Date(Date.UTC(2026, 2, 1, hour, 59, 59)))).toBe(true);
  });

  it('are undefined for an invalid date and closed at the limits of Date', () => {
    expect(at('no time')).toBeUndefined();
    for (const end of ['0000-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '+275760-09-13T00:00:00Z'])
      expect(at(end)).toBe(false);
  });
});

it.each([
  ['09:00-17:00', { from: 540, to: 1020 }],
  ['22:00-06:00', { from: 1320, to: 360 }],
  ['00:00-24:00', { from: 0, to: 1440 }],
  ['24:00-06:00', undefined],
  ['09:00-24:01', undefined],
  ['09:60-10:00', undefined],
  ['09:00-09:00', undefined],
  ['9:00-17:00', undefined],
  ['09:00–17:00', undefined],
  ['', undefined],
])('parses the interval %s', (text, minutes) => {
  expect(parseInterval(text)).toEqual(minutes);
});
