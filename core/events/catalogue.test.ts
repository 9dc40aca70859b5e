import { expect, it } from 'vitest';
import { asyncApi } from './catalogue.ts';

it('is written down in docs/asyncapi.json as the catalogue has it (npx vitest run catalogue -u writes it anew)', async () => {
  const document = JSON.stringify(asyncApi('omnichannel'), null, 2);
  await expect(`${document}\n`).toMatchFileSnapshot('../../docs/asyncapi.json');
});
