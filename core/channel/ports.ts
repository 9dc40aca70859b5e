import { ConfigurationError } from '../platform/configuration.ts';
import { carrierOf } from './carrier.ts';

/** The loaders of a port, by carrier. A channel without the port has no loader. */
export type Loaders<Port> = Readonly<Record<string, () => Promise<Port>>>;

/** The ports of the channels, by carrier. */
export type Ports<Port> = ReadonlyMap<string, Port>;

/** Loads the port of every channel. Functions call this in the init phase, in which Lambda provides more CPU. */
export async function loadPorts<Port>(loaders: Loaders<Port>): Promise<Ports<Port>> {
  return new Map(
    await Promise.all(Object.entries(loaders).map(async ([carrier, load]) => [carrier, await load()] as const)),
  );
}

/**
 * Returns the port of an organization's carrier. The port is created on first use and cached, so that a missing setting of one
 * channel does not affect the others. Throws {@link ConfigurationError} for a carrier without the port.
 */
export function createOnUse<Port>(creators: Ports<() => Port>): (organizationId: string) => Port {
  const created = new Map<string, Port>();
  return (organizationId) => {
    const carrier = carrierOf(organizationId);
    const known = created.get(carrier);
    if (known !== undefined) return known;
    const create = creators.get(carrier);
    if (create === undefined) throw new ConfigurationError('carrier', `one of ${[...creators.keys()].join(', ')}`);
    const port = create();
    created.set(carrier, port);
    return port;
  };
}
