/**
 * What functions do with the resources, permission by permission: exact actions on one resource. A function lists its permissions in
 * topology.ts; its permissions and the names in its environment are both made from that list, so that neither is there
 * without the other.
 */

/** What can be used. `media` and `large events` are objects in the bucket, `executions` runs of the send machine. */
export type Resource =
  | 'bus'
  | 'secrets'
  | 'conversations'
  | 'messages'
  | 'control'
  | 'bucket'
  | 'media'
  | 'large events'
  | 'dead letters'
  | 'send machine'
  | 'executions';

export interface Permission {
  readonly of: Resource;
  /** None for a resource that is only named: a module asks for its name when it is loaded, whoever loads it. */
  readonly actions: readonly string[];
  /** The resource's name comes with the event, so it is in no variable. */
  readonly named?: 'by the event';
}

export const permissions = {
  'publish-events': { of: 'bus', actions: ['events:PutEvents'] },
  'store-large-events': { of: 'large events', actions: ['s3:PutObject'] },
  'read-large-events': { of: 'large events', actions: ['s3:GetObject'], named: 'by the event' },
  'read-credentials': { of: 'secrets', actions: ['secretsmanager:GetSecretValue'] },
  'secret-prefix': { of: 'secrets', actions: [] },

  'record-conversations': {
    of: 'conversations',
    actions: ['dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:UpdateItem'],
  },
  'read-participants': { of: 'conversations', actions: ['dynamodb:GetItem'] },
  'record-seen': { of: 'conversations', actions: ['dynamodb:UpdateItem'] },
  'conversations-table-name': { of: 'conversations', actions: [] },

  'route-threads': {
    of: 'conversations',
    actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
  },

  'store-messages': { of: 'messages', actions: ['dynamodb:PutItem', 'dynamodb:UpdateItem'] },
  'correct-authors': { of: 'messages', actions: ['dynamodb:Query', 'dynamodb:UpdateItem'] },
  'tombstone-messages': { of: 'messages', actions: ['dynamodb:UpdateItem'] },
  'store-postbacks': { of: 'messages', actions: ['dynamodb:PutItem'] },
  'record-media': { of: 'messages', actions: ['dynamodb:GetItem', 'dynamodb:UpdateItem'] },
  'put-media': { of: 'media', actions: ['s3:PutObject'] },
  'read-media': { of: 'media', actions: ['s3:GetObject'] },
  'list-media': { of: 'bucket', actions: ['s3:ListBucket'] },
  'delete-media': { of: 'media', actions: ['s3:DeleteObject'] },

  'idempotency-records': {
    of: 'control',
    actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
  },
  'update-rate-limits-and-queues': {
    of: 'control',
    actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
  },
  'leave-queues': { of: 'control', actions: ['dynamodb:GetItem', 'dynamodb:UpdateItem'] },
  'track-deliveries': { of: 'messages', actions: ['dynamodb:GetItem', 'dynamodb:UpdateItem'] },
  'archive-dead-letters': {
    of: 'messages',
    actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
  },
  'describe-executions': { of: 'executions', actions: ['states:DescribeExecution'] },
  'start-executions': { of: 'send machine', actions: ['states:StartExecution'] },
  'receive-dead-letters': {
    of: 'dead letters',
    actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
  },
  'delay-dead-letters': { of: 'dead letters', actions: ['sqs:SendMessage'] },
} as const satisfies Readonly<Record<string, Permission>>;

export type PermissionName = keyof typeof permissions;
