import { Entity } from 'electrodb';
import { keys, tableIn, text } from '../platform/dynamodb.ts';

/** An organization that has a conversation, for listing organizations. */
export const Organization = new Entity(
  {
    model: { entity: 'organization', version: '1', service: 'livechat' },
    attributes: { organizationId: text },
    indexes: { primary: keys([], ['organizationId']) },
  },
  tableIn('CONVERSATIONS_TABLE'),
);

/** The organizations that this process has stored: each is written once per process. */
const stored = new Set<string>();

export async function putOrganization(organizationId: string): Promise<void> {
  if (stored.has(organizationId)) return;
  await Organization.upsert({ organizationId }).go();
  stored.add(organizationId);
}
