import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../stacks/build/bundle.ts';
import { type FunctionName, functions } from '../../stacks/topology.ts';

/**
 * The maximum size of the code that a cold start loads, in KB. Functions that store state include ElectroDB, those that call
 * LiveChat also its client. A larger bundle has a new dependency.
 */
const stateWriter = 470;
const budgets: Readonly<Partial<Record<FunctionName, number>>> = {
  webhook: 135,
  'message-received': 500,
  'route-thread': 800,
  'route-first-message': 800,
  'store-media': 735,
  reconcile: 775,
  'schedule-reconciliation': 500,
  'send-requested': 575,
  'wait-for-turn': 490,
  send: 750,
  'dead-letter': 535,
};

describe('bundles', () => {
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
  it.each(budgeted)('%s stays below %i KB', async (name, budget, handler) => {
    const { bytes } = await bundle(handler.replace(/\.handler$/, '.ts'), join(folder, name));
    expect(bytes / 1024).toBeLessThan(budget);
    // A budget far above the actual size would not detect new dependencies.
    expect(bytes / 1024).toBeGreaterThan(0.85 * budget);
  });
});
