import { expect, it } from 'vitest';
import { organizationNames } from './organizations.ts';

const parse = (text: string) => organizationNames({ ORGANIZATION_NAMES: text });

it('reads the names of organizations', () => {
  expect(organizationNames({})).toEqual({});
  expect(parse('7d1b0c52=Acme, echo:9e44 = Acme = Pager ,')).toEqual({
    '7d1b0c52': 'Acme',
    'echo:9e44': 'Acme = Pager',
  });
});

it.each(['Acme', '=Acme', '7d1b0c52='])('rejects %j with the expected format', (text) => {
  expect(() => parse(text)).toThrow('ORGANIZATION_NAMES: expected <id>=<name> for each organization');
});
