import { describe, expect, it } from 'vitest';
import { functions } from '../../stacks/topology.ts';
import { checks } from './checks/all.ts';
import { provided } from './checks/environment.ts';
import { emitted } from './emitted.ts';
import { delivery } from './mutations/delivery.ts';
import { monitoring } from './mutations/monitoring.ts';
import { having, type Mutations, types } from './mutations/mutation.ts';
import { permissions } from './mutations/permissions.ts';
import { running } from './mutations/running.ts';
import { storage } from './mutations/storage.ts';

/** What each check says when somebody has broken what it guards. */

const production = emitted('production');
const mutations: Mutations = { ...running, ...delivery, ...permissions, ...storage, ...monitoring };

it('there is a way to break what every check guards', () => {
  expect(Object.keys(mutations).toSorted()).toEqual(Object.keys(checks).toSorted());
});

describe.each(Object.entries(mutations))('%s', (promise, ways) => {
  it.each(ways)('not when %s', (_what, broken, says) => {
    expect(checks[promise]?.(production)).toEqual([]);
    expect(checks[promise]?.(broken(production)).join('\n')).toMatch(says);
  });
});

describe('every function finds what it reads', () => {
  const there = having(types.fn, 'WebhookFunction', 'environment.variables', {
    BUS_NAME: 'omnichannel',
    POWERTOOLS_SERVICE_NAME: 'livechat-production',
  })(production);
  const reading = (...names: string[]) =>
    provided({ webhook: new Set(names) })(there).filter((one) => one.startsWith('webhook'));

  it('not when a name is missing', () => {
    expect(reading('BUS_NAME')).toEqual([]);
    expect(reading('BUS_NAME', 'MEDIA_BUCKET')).toEqual(['webhook: does not find MEDIA_BUCKET']);
  });

  it('not when a name is never read', () => {
    expect(reading()).toEqual(['webhook: never reads BUS_NAME']);
  });

  it('not when nobody knows a name', () => {
    expect(reading('BUS_NAME', 'BUS_NAEM')).toEqual(['webhook: reads BUS_NAEM, which nobody knows']);
  });

  it('not when it is taken for a local one', () => {
    const beside = having(types.fn, 'WebhookFunction', 'environment.variables.MEDIA_SIMULATOR_URL', 'x')(production);
    expect(provided({})(beside)).toContain('webhook: has MEDIA_SIMULATOR_URL, which is for the local engine');
  });

  it('not when a secret lies open', () => {
    const open = having(types.fn, 'WebhookFunction', 'environment.variables.LIVECHAT_API_KEY', 'x')(production);
    const all = Object.fromEntries(Object.keys(functions).map((name) => [name, new Set<string>()]));
    expect(provided(all)(open)).toContain('webhook: has the secret LIVECHAT_API_KEY in its environment');
  });
});
