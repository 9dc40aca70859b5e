import { expect, it } from 'vitest';
import { runFaults } from './faults.ts';

it('loses, repeats and reorders nothing in a few worlds of faults', async () => {
  for (const seed of [1, 2, 3, 4, 8]) {
    const result = await runFaults(seed);
    expect(result).toMatchObject({ lost: 0, twice: 0, inversions: 0, interleaved: 0, stuck: 0, left: 0, failures: 0 });
  }
});
