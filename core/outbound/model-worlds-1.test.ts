import { expect, it } from 'vitest';
import { expectNothingLostIn, firstHalf } from '../../test/model/worlds.ts';

it(`loses, repeats and swaps nothing in ${firstHalf.length} worlds of faults, crashes, duplicate and stopped runs, and outages`, {
  timeout: 600_000,
}, async () => {
  expect.hasAssertions();
  await expectNothingLostIn(firstHalf);
});
