import { eventTypes, registrySchema } from '../core/events/json-schema.ts';
import { publishesSchemas, sharedName } from './settings.ts';
import { busName } from './topology.ts';

// The schemas of the events in EventBridge's schema registry, for the code bindings of other teams. Only with SCHEMA_REGISTRY=on.

if (publishesSchemas) {
  const registry = new aws.schemas.Registry('Schemas', {
    name: sharedName(busName),
    description: 'Events of the LiveChat bridge',
  });
  for (const type of eventTypes) {
    const { name, content } = registrySchema(type);
    new aws.schemas.Schema(`Schema-${type}`, {
      name,
      registryName: registry.name,
      type: 'OpenApi3',
      content: JSON.stringify(content),
    });
  }
}
