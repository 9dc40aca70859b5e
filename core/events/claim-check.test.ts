import { describe, expect, it } from 'vitest';
import { receivedAtSecond } from '../../test/domain-events.ts';
import { largeEventKey, parseClaimCheck } from './claim-check.ts';

const metadata = receivedAtSecond(14, 'o', 'e');
const data = { conversationId: 'C', threadId: 'T', messageId: 'T_1' };

describe('a claim check', () => {
  const dataRef = { bucket: 'media', key: 'events/o/e.json', bytes: 300_000 };

  it('has a key derived from the organization and the event', () => {
    expect(largeEventKey(metadata)).toBe('events/o/e.json');
  });

  it.each([
    ['a reference', { metadata, dataRef }, { metadata, dataRef }],
    ['inline data', { metadata, data }, undefined],
    ['a reference without a key', { metadata, dataRef: { bucket: 'media', bytes: 1 } }, undefined],
    ['a reference without metadata', { dataRef }, undefined],
    ['no detail', undefined, undefined],
  ])('is parsed from %s', (_what, detail, expected) => {
    expect(parseClaimCheck(detail)).toEqual(expected);
  });
});
