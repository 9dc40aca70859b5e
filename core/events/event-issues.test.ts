import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { describeIssues } from './event.ts';

const schema = z.object({
  text: z.string().check(z.minLength(3), z.maxLength(5)),
  choice: z.enum(['a', 'b']),
  list: z.array(z.number()),
  fixed: z.literal('1'),
  map: z.record(z.string(), z.boolean()),
});
const good = { text: 'four', choice: 'a', list: [1], fixed: '1', map: { x: true } };

describe('what does not fit', () => {
  it.each([
    ['(root)', 'sensitive'],
    ['text', { ...good, text: 's!' }],
    ['text', { ...good, text: 'sensitive' }],
    ['choice', { ...good, choice: 'sensitive' }],
    ['list.1', { ...good, list: [1, 'sensitive'] }],
    ['fixed', { ...good, fixed: 'sensitive' }],
    ['map.x', { ...good, map: { x: 'sensitive' } }],
  ])('is told by the path %s and by what was expected, never by what was there', (path, value) => {
    const { error } = schema.safeParse(value);
    const issues = error ? describeIssues(error) : [];
    expect(issues).toMatchObject([{ path, message: expect.stringMatching(/expected/) }]);
    expect(JSON.stringify(issues)).not.toMatch(/sensitive|s!/);
  });
});
