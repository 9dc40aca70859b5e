import { find } from '../select.ts';
import { allowing, also, having, type Mutations, trusting, types } from './mutation.ts';

const { fn, role } = types;

export const permissions: Mutations = {
  'roles allow exact actions on exact resources': [
    [
      'an action has a wildcard',
      having(
        role,
        'SendRole',
        'inlinePolicies',
        allowing('dynamodb:*', 'arn:aws:dynamodb:us-east-1:123456789012:table/livechat-production-x'),
      ),
      /SendRole: allows dynamodb:\*/,
    ],
    [
      'an action ends in a wildcard',
      having(role, 'SendRole', 'inlinePolicies', allowing('s3:Get*', 'arn:aws:s3:::livechat-production-media')),
      /SendRole: allows s3:Get\*/,
    ],
    [
      'everything is a resource',
      having(role, 'SendRole', 'inlinePolicies', allowing('dynamodb:GetItem', '*')),
      /SendRole: allows dynamodb:GetItem on everything/,
    ],
    [
      'a wildcard comes after another’s name',
      having(role, 'SendRole', 'inlinePolicies', allowing('s3:GetObject', 'arn:aws:s3:::other/*')),
      /SendRole: allows s3:GetObject on arn:aws:s3:::other/,
    ],
    [
      'a wildcard takes all that is ours',
      having(
        role,
        'SendRole',
        'inlinePolicies',
        allowing('sqs:SendMessage', 'arn:aws:sqs:us-east-1:123456789012:livechat-production-*'),
      ),
      /SendRole: allows sqs:SendMessage on/,
    ],
    [
      'a wildcard stands in the middle',
      having(
        role,
        'SendRole',
        'inlinePolicies',
        allowing('sqs:SendMessage', 'arn:aws:sqs:*:123456789012:livechat-production-x'),
      ),
      /SendRole: allows sqs:SendMessage on/,
    ],
    [
      'all secrets may be read',
      having(
        role,
        'SendRole',
        'inlinePolicies',
        allowing('secretsmanager:GetSecretValue', 'arn:aws:secretsmanager:us-east-1:123456789012:secret:livechat/*'),
      ),
      /SendRole: allows secretsmanager/,
    ],
    [
      'a managed policy is attached',
      having(role, 'SendRole', 'managedPolicyArns', ['arn:aws:iam::aws:policy/AdministratorAccess']),
      /SendRole: has the policy/,
    ],
    [
      'a permission is added from outside',
      also('aws:iam/rolePolicyAttachment:RolePolicyAttachment', 'Extra', {}),
      /Extra: a permission outside/,
    ],
  ],
  'roles trust their service alone': [
    [
      'the account may take a role',
      having(
        role,
        'SendRole',
        'assumeRolePolicy',
        trusting({ Service: 'lambda.amazonaws.com', AWS: 'arn:aws:iam::123456789012:root' }),
      ),
      /SendRole: trusts more than its service/,
    ],
    [
      'no service may',
      having(role, 'SendRole', 'assumeRolePolicy', trusting({ AWS: 'arn:aws:iam::1:role/x' })),
      /SendRole: trusts nobody/,
    ],
  ],
  'functions may do what they use, and nothing more': [
    [
      'a permission is missing',
      having(role, 'MessageSeenRole', 'inlinePolicies', []),
      /message-seen: lacks dynamodb:UpdateItem/,
    ],
    [
      'a permission is too much',
      having(role, 'MessageSeenRole', 'inlinePolicies', allowing('dynamodb:DeleteItem', 'arn:x')),
      /message-seen: may dynamodb:DeleteItem without a use/,
    ],
    [
      'two functions share a role',
      (app) => having(fn, 'MessageSeenFunction', 'role', find(app, fn, 'SendFunction').inputs.role)(app),
      /message-seen: shares its role/,
    ],
  ],
  'the webhook can do no harm': [
    [
      'the webhook may read a table',
      having(role, 'WebhookRole', 'inlinePolicies', allowing('dynamodb:GetItem', 'arn:x')),
      /the webhook may dynamodb:GetItem/,
    ],
    [
      'the webhook may write anywhere',
      having(
        role,
        'WebhookRole',
        'inlinePolicies',
        allowing('s3:PutObject', 'arn:aws:s3:::livechat-production-media/*'),
      ),
      /anywhere in the bucket/,
    ],
  ],
};
