import { eventTypes, registrySchema } from '../core/events/json-schema.ts';
import { ConfigurationError } from '../core/platform/configuration.ts';
import { sharedName } from './settings.ts';
import { busName } from './topology.ts';

// The schemas of the events in EventBridge's schema registry, for the code bindings of other teams. Only with SCHEMA_REGISTRY=on.

const setting = process.env.SCHEMA_REGISTRY || 'off';
if (setting !== 'on' && setting !== 'off') throw new ConfigurationError('SCHEMA_REGISTRY', 'on or off');

if (setting === 'on') {
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
