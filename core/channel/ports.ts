import { ConfigurationError } from '../platform/configuration.ts';
import { carrierOf } from './carrier.ts';

/** What loads a port of each channel that has it, by carrier. */
export type Loaders<Port> = Readonly<Record<string, () => Promise<Port>>>;

/** The ports of the channels, by carrier. */
export type Ports<Port> = ReadonlyMap<string, Port>;

/** Loads a port of every channel. A function calls it while it is loaded, since Lambda has more CPU then. */
export async function loadPorts<Port>(loaders: Loaders<Port>): Promise<Ports<Port>> {
  return new Map(
    await Promise.all(Object.entries(loaders).map(async ([carrier, load]) => [carrier, await load()] as const)),
  );
}

/**
 * Returns the port of an organization's carrier. It is created on first use and kept, so that a missing setting of one channel
 * does not stop the others. Throws {@link ConfigurationError} for a carrier without the port.
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
