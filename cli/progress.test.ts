import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { withProgress } from './progress.ts';

const later = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('a progress bar', () => {
  // Loaded on demand; timers that stand still must not wait for the disk.
  beforeAll(() => import('@clack/prompts'));

  const before = process.stderr.isTTY;
  let written = '';
  beforeEach(() => {
    written = '';
    vi.useFakeTimers();
    vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
      written += String(chunk);
      return true;
    });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    process.stderr.isTTY = before;
  });

  /** Takes so long, one step of two done at once. */
  const run = async (milliseconds: number, terminal: boolean): Promise<string> => {
    process.stderr.isTTY = terminal;
    const work = withProgress('Doing', 2, async ({ step, say }) => {
      step();
      await later(milliseconds);
      say('Nearly there');
      await later(500);
      step();
      return 'done';
    });
    await vi.advanceTimersByTimeAsync(milliseconds + 1000);
    return work;
  };

  test('shows on a terminal once something takes a second, beside the output', async () => {
    expect(await run(2000, true)).toBe('done');
    expect(written).toContain('Doing 1/2');
    expect(written).toContain('Nearly there');
  });

  test('does not show for what is done before', async () => {
    await run(200, true);
    expect(written).toBe('Nearly there\n');
  });

  test('does not show where nobody looks; what is said there is a line', async () => {
    await run(2000, false);
    expect(written).toBe('Nearly there\n');
  });
});
