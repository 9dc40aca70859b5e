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
  ['name only, if it is a SyntaxError,', new SyntaxError('Unexpected token in sensitive'), { name: 'SyntaxError' }],
  ['type, if it is no Error,', 'sensitive', { name: 'string' }],
  [
    'name and message, without other fields,',
    Object.assign(new Error('failed'), { body: 'sensitive' }),
    { name: 'Error', message: 'failed' },
  ],
])('logs the %s of an error', (_what, error, expected) => {
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

it('adds the persistent keys of a child logger to its own lines only', () => {
  const child = logger.createChild({ persistentKeys: { eventId: 'e' } });
  child.info('handled');
  logger.info('other');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ message: 'handled', eventId: 'e' });
  expect(JSON.parse(lines[1] ?? '')).not.toHaveProperty('eventId');
});
