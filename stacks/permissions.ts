export interface Permission<Name extends string = string> {
  /** `media` and `large events` are objects in the bucket, `executions` those of the send state machine. */
  readonly resource: Name;
  /** Empty if the function needs the name of the resource only, because a module reads it on load. */
  readonly actions: readonly string[];
  /** The event contains the name of the resource, so the function needs no variable. */
  readonly nameInEvent?: boolean;
}

const allow = <Name extends string>(resource: Name, ...actions: string[]): Permission<Name> => ({ resource, actions });
const dynamodb = <Name extends string>(resource: Name, ...operations: string[]) =>
  allow(resource, ...operations.map((operation) => `dynamodb:${operation}`));

/**
 * The permissions that functions can have. Each allows exact actions on one resource. The statements of a function's role and
 * the resource names in its environment both result from its permissions.
 */
export const permissions = {
  'publish-events': allow('bus', 'events:PutEvents'),
  'store-large-events': allow('large events', 's3:PutObject'),
  'read-large-events': { ...allow('large events', 's3:GetObject'), nameInEvent: true },
  'delete-large-events': allow('large events', 's3:DeleteObject'),
  'read-credentials': allow('secrets', 'secretsmanager:GetSecretValue'),
  // ListSecrets does not support resource-level permissions. It returns names, not values.
  'list-secrets': allow('all secrets', 'secretsmanager:ListSecrets'),
  'record-conversations': dynamodb('conversations', 'PutItem', 'Query', 'UpdateItem'),
  'read-participants': dynamodb('conversations', 'GetItem'),
  'read-active-rules': dynamodb('conversations', 'GetItem'),
  'query-conversations': dynamodb('conversations', 'Query'),
  // The index has keys only.
  'get-listed-conversations': dynamodb('conversations', 'BatchGetItem'),
  'list-conversations': dynamodb('conversations by activity', 'Query'),
  'record-seen': dynamodb('conversations', 'UpdateItem'),
  'conversations-table-name': allow('conversations'),
  'route-threads': dynamodb('conversations', 'GetItem', 'PutItem', 'UpdateItem'),
  'query-messages': dynamodb('messages', 'Query'),
  'store-messages': dynamodb('messages', 'PutItem', 'UpdateItem'),
  'correct-authors': dynamodb('messages', 'Query', 'UpdateItem'),
  'tombstone-messages': dynamodb('messages', 'UpdateItem'),
  'store-postbacks': dynamodb('messages', 'PutItem'),
  'record-media': dynamodb('messages', 'GetItem', 'UpdateItem'),
  'put-media': allow('media', 's3:PutObject'),
  'read-media': allow('media', 's3:GetObject'),
  'list-media': allow('bucket', 's3:ListBucket'),
  'bucket-name': allow('bucket'),
  'delete-media': allow('media', 's3:DeleteObject'),
  'idempotency-records': dynamodb('control', 'PutItem', 'UpdateItem', 'DeleteItem'),
  'update-rate-limits': dynamodb('control', 'GetItem', 'PutItem', 'UpdateItem'),
  'record-reconciliations': dynamodb('control', 'PutItem', 'UpdateItem'),
  'read-reconciliations': dynamodb('control', 'GetItem', 'Query'),
  'join-message-groups': dynamodb('control', 'Query', 'UpdateItem', 'DeleteItem'),
  'send-in-message-groups': dynamodb('control', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'),
  'create-deliveries': dynamodb('messages', 'GetItem', 'PutItem'),
  'track-deliveries': dynamodb('messages', 'GetItem', 'UpdateItem'),
  'archive-dead-letters': dynamodb('messages', 'GetItem', 'PutItem', 'UpdateItem'),
  'describe-executions': allow('executions', 'states:DescribeExecution'),
  'start-executions': allow('send machine', 'states:StartExecution'),
  'complete-tasks': allow('send machine', 'states:SendTaskSuccess'),
  'messages-table-name': allow('messages'),
  'receive-dead-letters': allow('dead letters', 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'),
  'put-dead-letters': allow('dead letters', 'sqs:SendMessage'),
} satisfies Readonly<Record<string, Permission>>;

export type PermissionName = keyof typeof permissions;
export type Resource = (typeof permissions)[PermissionName]['resource'];
