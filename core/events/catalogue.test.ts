import { expect, it } from 'vitest';
import { asyncApi } from './catalogue.ts';

it('docs/asyncapi.json matches the catalogue (update it with npx vitest run catalogue -u)', async () => {
  const document = JSON.stringify(asyncApi('omnichannel'), null, 2);
  await expect(`${document}\n`).toMatchFileSnapshot('../../docs/asyncapi.json');
});
