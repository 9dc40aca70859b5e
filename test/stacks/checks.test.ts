import { describe, expect, it } from 'vitest';
import { functions } from '../../stacks/topology.ts';
import { loadApp } from './app.ts';
import { checks } from './checks/all.ts';
import { checkEnvironment } from './checks/environment.ts';
import { setInput, types } from './faults.ts';

/** Verifies that every check reports the faults that it exists for. */

const production = loadApp('production');

it('every check has a fault to report', () => {
  expect(Object.values(checks).filter(({ faults }) => faults.length === 0)).toEqual([]);
});

describe.each(Object.entries(checks))('%s', (_title, { check, faults }) => {
  it.each(faults)('reports that %s', (_fault, mutate, problem) => {
    expect(check(production)).toEqual([]);
    expect(check(mutate(production)).join('\n')).toMatch(problem);
  });
});

describe('checkEnvironment', () => {
  const changed = setInput(types.fn, 'WebhookFunction', 'environment.variables', {
    BUS_NAME: 'omnichannel',
    POWERTOOLS_SERVICE_NAME: 'livechat-production',
  })(production);
  const problems = (...names: string[]) =>
    checkEnvironment({ webhook: new Set(names) })(changed).filter((one) => one.startsWith('webhook'));

  it('reports a missing variable', () => {
    expect(problems('BUS_NAME')).toEqual([]);
    expect(problems('BUS_NAME', 'MEDIA_BUCKET')).toEqual(['webhook: lacks MEDIA_BUCKET']);
  });

  it('reports a variable that is not read', () => {
    expect(problems()).toEqual(['webhook: does not read BUS_NAME']);
  });

  it('reports an unknown variable', () => {
    expect(problems('BUS_NAME', 'BUS_NAEM')).toEqual(['webhook: reads the unknown variable BUS_NAEM']);
  });

  it('reports a variable of the local engine', () => {
    const local = setInput(types.fn, 'WebhookFunction', 'environment.variables.MEDIA_SIMULATOR_URL', 'x')(production);
    expect(checkEnvironment({})(local)).toContain('webhook: has MEDIA_SIMULATOR_URL, which is for the local engine');
  });

  it('reports a secret', () => {
    const exposed = setInput(types.fn, 'WebhookFunction', 'environment.variables.LIVECHAT_API_KEY', 'x')(production);
    const all = Object.fromEntries(Object.keys(functions).map((name) => [name, new Set<string>()]));
    expect(checkEnvironment(all)(exposed)).toContain('webhook: has the secret LIVECHAT_API_KEY in its environment');
  });
});
