/**
 * The permissions that topology.ts assigns to functions. Each allows exact actions on one resource. The statements of a
 * function's role and the resource names in its environment both result from its permissions.
 */

/** `media` and `large events` are objects in the bucket, `executions` those of the send state machine. */
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
  readonly resource: Resource;
  /** Empty if the function needs the name of the resource only, because a module reads it on load. */
  readonly actions: readonly string[];
  /** The event contains the name of the resource, so the function needs no variable. */
  readonly nameInEvent?: boolean;
}

export const permissions = {
  'publish-events': { resource: 'bus', actions: ['events:PutEvents'] },
  'store-large-events': { resource: 'large events', actions: ['s3:PutObject'] },
  'read-large-events': { resource: 'large events', actions: ['s3:GetObject'], nameInEvent: true },
  'read-credentials': { resource: 'secrets', actions: ['secretsmanager:GetSecretValue'] },
  'secret-prefix': { resource: 'secrets', actions: [] },

  'record-conversations': {
    resource: 'conversations',
    actions: ['dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:UpdateItem'],
  },
  'read-participants': { resource: 'conversations', actions: ['dynamodb:GetItem'] },
  'record-seen': { resource: 'conversations', actions: ['dynamodb:UpdateItem'] },
  'conversations-table-name': { resource: 'conversations', actions: [] },

  'route-threads': {
    resource: 'conversations',
    actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
  },

  'store-messages': { resource: 'messages', actions: ['dynamodb:PutItem', 'dynamodb:UpdateItem'] },
  'correct-authors': { resource: 'messages', actions: ['dynamodb:Query', 'dynamodb:UpdateItem'] },
  'tombstone-messages': { resource: 'messages', actions: ['dynamodb:UpdateItem'] },
  'store-postbacks': { resource: 'messages', actions: ['dynamodb:PutItem'] },
  'record-media': { resource: 'messages', actions: ['dynamodb:GetItem', 'dynamodb:UpdateItem'] },
  'put-media': { resource: 'media', actions: ['s3:PutObject'] },
  'read-media': { resource: 'media', actions: ['s3:GetObject'] },
  'list-media': { resource: 'bucket', actions: ['s3:ListBucket'] },
  'delete-media': { resource: 'media', actions: ['s3:DeleteObject'] },

  'idempotency-records': {
    resource: 'control',
    actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
  },
  'update-rate-limits': {
    resource: 'control',
    actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
  },
  'join-message-groups': {
    resource: 'control',
    actions: ['dynamodb:Query', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
  },
  'send-in-message-groups': {
    resource: 'control',
    actions: ['dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
  },
  'create-deliveries': { resource: 'messages', actions: ['dynamodb:GetItem', 'dynamodb:PutItem'] },
  'track-deliveries': { resource: 'messages', actions: ['dynamodb:GetItem', 'dynamodb:UpdateItem'] },
  'archive-dead-letters': {
    resource: 'messages',
    actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
  },
  'describe-executions': { resource: 'executions', actions: ['states:DescribeExecution'] },
  'start-executions': { resource: 'send machine', actions: ['states:StartExecution'] },
  'complete-tasks': { resource: 'send machine', actions: ['states:SendTaskSuccess'] },
  'messages-table-name': { resource: 'messages', actions: [] },
  'bus-name': { resource: 'bus', actions: [] },
  'receive-dead-letters': {
    resource: 'dead letters',
    actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
  },
  'delay-dead-letters': { resource: 'dead letters', actions: ['sqs:SendMessage'] },
} as const satisfies Readonly<Record<string, Permission>>;

export type PermissionName = keyof typeof permissions;
