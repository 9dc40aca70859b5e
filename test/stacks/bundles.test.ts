import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../stacks/build/bundle.ts';
import { type FunctionName, functions } from '../../stacks/topology.ts';

/**
 * How large a function's code may be at its start, in KB: what a cold start reads. A function that keeps state brings
 * ElectroDB along, one that sends LiveChat's client as well. Whoever goes over it has brought in something new.
 */
const stateWriter = 790;
const budgets: Readonly<Partial<Record<FunctionName, number>>> = {
  webhook: 330,
  'store-media': 1_060,
  'route-thread': 1_110,
  'route-first-message': 1_110,
  send: 1_130,
  'dead-letter': 1_110,
};

describe('the bundle of', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livechat-budgets-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const budgeted = Object.entries(functions).map(([name, { handler }]): [string, number, string] => [
    name,
    new Map<string, number>(Object.entries(budgets)).get(name) ?? stateWriter,
    handler,
  ]);
  it.each(budgeted)('%s is below %i KB', async (name, budget, handler) => {
    const { bytes } = await bundle(handler.replace(/\.handler$/, '.ts'), join(folder, name));
    expect(bytes / 1024).toBeLessThan(budget);
    // A budget far above what is needed guards nothing.
    expect(bytes / 1024).toBeGreaterThan(0.85 * budget);
  });
});
