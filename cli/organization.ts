import { organizations } from '../core/conversations/queries.ts';
import { UsageError } from './errors.ts';

/**
 * The organization that was named, else the only one that has conversations.
 * @throws UsageError where there is none or more than one
 */
export const chooseOrganization = async (given: string | undefined): Promise<string> => {
  if (given !== undefined) return given.toLowerCase();
  const known = await organizations();
  const [only, another] = known;
  if (only !== undefined && another === undefined) return only;
  const choice = only === undefined ? 'no organization has a conversation yet' : `it is one of ${known.join(', ')}`;
  throw new UsageError(`--organization must be given: ${choice}.`);
};

/** The organization that was named, else all that have conversations. */
export const chooseOrganizations = async (given: string | undefined): Promise<readonly string[]> =>
  given === undefined ? organizations() : [given.toLowerCase()];
