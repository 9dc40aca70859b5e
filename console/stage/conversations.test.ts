import { expect, it } from 'vitest';
import { storedAfter } from './conversations.ts';

const receivedAt = '2026-03-11T09:00:00.000Z';

it.each([
  [{ receivedAt, storedAt: '2026-03-11T09:00:00.250Z' }, 250],
  [{ receivedAt, storedAt: receivedAt }, 0],
  // Two machines' clocks.
  [{ receivedAt, storedAt: '2026-03-11T08:59:59.900Z' }, undefined],
  [{ receivedAt, storedAt: 'later' }, undefined],
  [{ receivedAt }, undefined],
  [{}, undefined],
])('%j was stored after %s ms', (message, ms) => {
  expect(storedAfter(message)).toBe(ms);
});
