import { Entity } from 'electrodb';
import { required } from '../platform/configuration.ts';
import { documents } from '../platform/dynamodb.ts';

const casing = 'none';
const organizationId = { type: 'string', required: true } as const;

/** An organization that has a conversation, for listing organizations. */
export const Organization = new Entity(
  {
    model: { entity: 'organization', version: '1', service: 'livechat' },
    attributes: { organizationId },
    indexes: {
      primary: {
        pk: { field: 'pk', composite: [], casing },
        sk: { field: 'sk', composite: ['organizationId'], casing },
      },
    },
  },
  { client: documents, table: required('CONVERSATIONS_TABLE', 'the name of the conversations table') },
);

/** The organizations that this process has stored: each is written once per process. */
const stored = new Set<string>();

export async function putOrganization(organizationId: string): Promise<void> {
  if (stored.has(organizationId)) return;
  await Organization.upsert({ organizationId }).go();
  stored.add(organizationId);
}
