import { afterEach, expect, it, vi } from 'vitest';
import { recordPublished, withRecord } from './invocations.ts';
import { logger } from './logger.ts';

afterEach(() => vi.restoreAllMocks());

function capture(): string[] {
  const lines: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    lines.push(String(text));
    return true;
  });
  return lines;
}

const ids = { event: 'message.received', eventId: 'e', organizationId: 'o', conversationId: undefined };

it('logs one line with the ids, the outcome and the duration', async () => {
  const level = vi.spyOn(logger, 'getLevelName').mockReturnValue('INFO');
  const lines = capture();
  expect(await withRecord(ids, async () => 'stored')).toBe('stored');
  expect(level).toHaveBeenCalled();
  expect(lines.join('')).toMatch(
    /^\{"event":"message.received","eventId":"e","organizationId":"o","status":"handled","ms":\d+\}\n$/,
  );
});

it('includes the events that the function published, and logs events outside an invocation on a separate line', async () => {
  vi.spyOn(logger, 'getLevelName').mockReturnValue('INFO');
  const lines = capture();
  const { conversationId: _, ...known } = ids;
  const logged = { ...known, status: 'handled', ms: expect.any(Number) };
  await Promise.all([
    withRecord(ids, async () => recordPublished('message.sent', 's1', ids)),
    withRecord({ ...ids, eventId: 'f' }, async () => {}),
  ]);
  recordPublished('message.failed', 's2', { organizationId: 'o' });
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { ...logged, published: ['message.sent s1'] },
    { ...logged, eventId: 'f' },
    { organizationId: 'o', published: ['message.failed s2'] },
  ]);
});

it('logs the name of an error, not its message, and throws it', async () => {
  vi.spyOn(logger, 'getLevelName').mockReturnValue('INFO');
  const lines = capture();
  const error = new SyntaxError('a text of the customer');
  await expect(withRecord(ids, () => Promise.reject(error))).rejects.toBe(error);
  expect(lines.join('')).toContain('"status":"failed","reason":"SyntaxError"');
  expect(lines.join('')).not.toContain('customer');
});

it('logs nothing at the level WARN', async () => {
  vi.spyOn(logger, 'getLevelName').mockReturnValue('WARN');
  const lines = capture();
  await withRecord(ids, async () => undefined);
  expect(lines).toEqual([]);
});
