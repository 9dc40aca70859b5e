import { find } from '../select.ts';
import { addResource, inlinePolicy, type Mutations, setInput, trustPolicy, types } from './mutate.ts';

const { fn, role } = types;

export const permissions: Mutations = {
  'allows exact actions on exact resources': [
    [
      'an action has a wildcard',
      setInput(
        role,
        'SendRole',
        'inlinePolicies',
        inlinePolicy('dynamodb:*', 'arn:aws:dynamodb:us-east-1:123456789012:table/livechat-production-x'),
      ),
      /SendRole: allows dynamodb:\*/,
    ],
    [
      'an action ends in a wildcard',
      setInput(role, 'SendRole', 'inlinePolicies', inlinePolicy('s3:Get*', 'arn:aws:s3:::livechat-production-media')),
      /SendRole: allows s3:Get\*/,
    ],
    [
      'all resources are allowed',
      setInput(role, 'SendRole', 'inlinePolicies', inlinePolicy('dynamodb:GetItem', '*')),
      /SendRole: allows dynamodb:GetItem on all resources/,
    ],
    [
      'a wildcard follows the name of another app',
      setInput(role, 'SendRole', 'inlinePolicies', inlinePolicy('s3:GetObject', 'arn:aws:s3:::other/*')),
      /SendRole: allows s3:GetObject on arn:aws:s3:::other/,
    ],
    [
      'a wildcard covers the whole stage',
      setInput(
        role,
        'SendRole',
        'inlinePolicies',
        inlinePolicy('sqs:SendMessage', 'arn:aws:sqs:us-east-1:123456789012:livechat-production-*'),
      ),
      /SendRole: allows sqs:SendMessage on/,
    ],
    [
      'a wildcard is in the middle',
      setInput(
        role,
        'SendRole',
        'inlinePolicies',
        inlinePolicy('sqs:SendMessage', 'arn:aws:sqs:*:123456789012:livechat-production-x'),
      ),
      /SendRole: allows sqs:SendMessage on/,
    ],
    [
      'all secrets may be read',
      setInput(
        role,
        'SendRole',
        'inlinePolicies',
        inlinePolicy(
          'secretsmanager:GetSecretValue',
          'arn:aws:secretsmanager:us-east-1:123456789012:secret:livechat/*',
        ),
      ),
      /SendRole: allows secretsmanager/,
    ],
    [
      'a managed policy is attached',
      setInput(role, 'SendRole', 'managedPolicyArns', ['arn:aws:iam::aws:policy/AdministratorAccess']),
      /SendRole: has the managed policy/,
    ],
    [
      'a policy is attached from outside',
      addResource('aws:iam/rolePolicyAttachment:RolePolicyAttachment', 'Extra', {}),
      /Extra: a policy outside/,
    ],
  ],
  'lets only one service assume each role': [
    [
      'the account may assume a role',
      setInput(
        role,
        'SendRole',
        'assumeRolePolicy',
        trustPolicy({ Service: 'lambda.amazonaws.com', AWS: 'arn:aws:iam::123456789012:root' }),
      ),
      /SendRole: trusts more than its service/,
    ],
    [
      'no service may assume a role',
      setInput(role, 'SendRole', 'assumeRolePolicy', trustPolicy({ AWS: 'arn:aws:iam::1:role/x' })),
      /SendRole: trusts no service/,
    ],
  ],
  'grants functions exactly their permissions': [
    [
      'a permission is missing',
      setInput(role, 'MessageSeenRole', 'inlinePolicies', []),
      /message-seen: lacks dynamodb:UpdateItem/,
    ],
    [
      'a permission is superfluous',
      setInput(role, 'MessageSeenRole', 'inlinePolicies', inlinePolicy('dynamodb:DeleteItem', 'arn:x')),
      /message-seen: may dynamodb:DeleteItem without a permission in the topology/,
    ],
    [
      'two functions share a role',
      (app) => setInput(fn, 'MessageSeenFunction', 'role', find(app, fn, 'SendFunction').inputs.role)(app),
      /message-seen: shares its role/,
    ],
  ],
  'limits the webhook to the bus, its secrets and large events': [
    [
      'the webhook may read a table',
      setInput(role, 'WebhookRole', 'inlinePolicies', inlinePolicy('dynamodb:GetItem', 'arn:x')),
      /the webhook may dynamodb:GetItem/,
    ],
    [
      'the webhook may write to the whole bucket',
      setInput(
        role,
        'WebhookRole',
        'inlinePolicies',
        inlinePolicy('s3:PutObject', 'arn:aws:s3:::livechat-production-media/*'),
      ),
      /to the whole bucket/,
    ],
  ],
};
