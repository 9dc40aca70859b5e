import { ConfigurationError, type Environment } from '../core/platform/configuration.ts';

const setting = 'ORGANIZATION_NAMES';

/** The names of organizations by id: `<id>=<name>` for each, separated by commas. Throws {@link ConfigurationError}. */
export function organizationNames(environment: Environment = process.env): Readonly<Record<string, string>> {
  const pairs = (environment[setting] ?? '').split(',').filter((pair) => pair.trim() !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, id, name] = /^\s*([^=]*[^=\s])\s*=\s*(.*\S)\s*$/.exec(pair) ?? [];
      if (id === undefined || name === undefined) {
        throw new ConfigurationError(setting, '<id>=<name> for each organization, separated by commas');
      }
      return [id, name];
    }),
  );
}
