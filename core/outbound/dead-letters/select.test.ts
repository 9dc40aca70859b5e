import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Archived } from './store.ts';

describe('a filter of dead letters', () => {
  let matches: typeof import('./select.ts').matches;
  beforeAll(async () => {
    for (const name of ['MESSAGES_TABLE', 'CONTROL_TABLE', 'BUS_NAME']) vi.stubEnv(name, 'unused');
    vi.stubEnv('AWS_REGION', 'us-east-1');
    ({ matches } = await import('./select.ts'));
  });

  const now = Date.parse('2026-03-11T10:00:00Z');
  const letter: Archived = {
    id: 'l1',
    kind: 'send',
    status: 'open',
    errorName: 'LiveChatServerError',
    errorMessage: '',
    organizationId: 'o1',
    conversationId: 'c1',
    requestId: 'r1',
    redrives: 0,
    createdAt: '2026-03-11T09:00:00.000Z',
  };
  const hour = 3_600_000;

  it.each([
    [{}, true],
    [{ kind: 'send' }, true],
    [{ kind: 'event' }, false],
    [{ error: 'LiveChatServerError' }, true],
    [{ error: 'LiveChat' }, false],
    [{ organization: 'o1', conversation: 'c1', request: 'r1' }, true],
    [{ organization: 'o2' }, false],
    [{ conversation: 'c2' }, false],
    [{ request: 'r2' }, false],
    [{ maxAgeMs: hour }, true],
    [{ maxAgeMs: hour - 1 }, false],
    [{ kind: 'send', maxAgeMs: hour - 1 }, false],
  ] as const)('%j fits: %j', (filter, fits) => {
    expect(matches(letter, filter, now)).toBe(fits);
  });

  it('with a further condition never fits more', () => {
    const text = fc.option(fc.constantFrom('o1', 'c1', 'r1', 'x'), { nil: undefined });
    const filter = fc.record({ organization: text, conversation: text, request: text });
    fc.assert(
      fc.property(filter, filter, (one, other) => {
        const both = { ...one, ...Object.fromEntries(Object.entries(other).filter(([, value]) => value)) };
        const narrower = Object.entries(one).every(([name, value]) => !value || value === Reflect.get(both, name));
        if (narrower && matches(letter, both, now)) expect(matches(letter, one, now)).toBe(true);
      }),
    );
  });
});
