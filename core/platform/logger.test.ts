import { afterEach, expect, it, vi } from 'vitest';

const lines: string[] = [];
const stdout = vi.spyOn(process.stdout, 'write');
const stderr = vi.spyOn(process.stderr, 'write');
for (const stream of [stdout, stderr]) stream.mockImplementation((chunk) => lines.push(String(chunk)) > 0);
const { logger } = await import('./logger.ts');

afterEach(() => {
  lines.length = 0;
});

it.each<[string, unknown, object]>([
  [
    'name and message',
    new RangeError('too large', { cause: new Error('sensitive') }),
    { name: 'RangeError', message: 'too large' },
  ],
  ['name alone for a syntax error', new SyntaxError('Unexpected token in sensitive'), { name: 'SyntaxError' }],
  ['type for anything else', 'sensitive', { name: 'string' }],
  [
    'name and message where it has other fields',
    Object.assign(new Error('failed'), { body: 'sensitive' }),
    { name: 'Error', message: 'failed' },
  ],
])('logs of an error its %s', (_what, error, expected) => {
  logger.error('event failed', { eventId: 'e', error });
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'ERROR',
    message: 'event failed',
    eventId: 'e',
    error: expected,
  });
  expect(JSON.parse(lines[0] ?? '').error).toEqual(expected);
  expect(lines[0]).not.toMatch(/sensitive|logger\.test/);
});

it('adds the keys of a child logger to the lines of that child alone', () => {
  const child = logger.createChild({ persistentKeys: { eventId: 'e' } });
  child.info('handled');
  logger.info('other');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ message: 'handled', eventId: 'e' });
  expect(JSON.parse(lines[1] ?? '')).not.toHaveProperty('eventId');
});
