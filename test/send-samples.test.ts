import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Local, startLocal } from './local.ts';
import { expectOneMessage, sendSamples } from './send-samples.ts';

let local: Local;
beforeAll(async () => {
  local = await startLocal();
});
afterAll(() => local.stop());

describe('the scripts of docs/how-to/send.md', () => {
  const samples = sendSamples('ts');

  it('send with the kit and with the SDK only', () => {
    expect(samples.map((text) => text.includes('livechat-bridge'))).toEqual([true, false]);
  });

  it.each(samples)('send one message, even if they run twice: %#', (script) =>
    expectOneMessage(local, script, [process.execPath, '--input-type=module-typescript', '-']),
  );
});
