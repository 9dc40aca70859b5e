import { expect, it } from 'vitest';
import { expectNothingLostIn, secondHalf } from '../../test/model/worlds.ts';

it(`loses, repeats and swaps nothing in ${secondHalf.length} worlds of faults, crashes, duplicate and stopped runs, and outages`, {
  timeout: 600_000,
}, async () => {
  expect.hasAssertions();
  await expectNothingLostIn(secondHalf);
});
