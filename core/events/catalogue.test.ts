import { expect, it } from 'vitest';
import * as z from 'zod/mini';
import { catalogue, eventSource } from './catalogue.ts';
import { metadata } from './schemas.ts';

/** The catalogue as an AsyncAPI 3.0 document with one channel, the bus, and one message per event. */
function asyncApi(bus: string): object {
  const types = Object.entries(catalogue);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'LiveChat bridge',
      version: '1',
      description: `Domain events on the bus. \`source\` is ${eventSource}; a message's name is its \`detail-type\`, its payload the \`detail\`.`,
    },
    channels: {
      bus: {
        address: bus,
        messages: Object.fromEntries(types.map(([type]) => [type, { $ref: `#/components/messages/${type}` }])),
      },
    },
    operations: { emit: { action: 'send', channel: { $ref: '#/channels/bus' } } },
    components: {
      messages: Object.fromEntries(
        types.map(([type, data]) => [type, { name: type, payload: z.toJSONSchema(z.object({ metadata, data })) }]),
      ),
    },
  };
}

it('docs/asyncapi.json matches the catalogue (update it with npx vitest run catalogue -u)', async () => {
  const document = JSON.stringify(asyncApi('omnichannel'), null, 2);
  await expect(`${document}\n`).toMatchFileSnapshot('../../docs/asyncapi.json');
});
