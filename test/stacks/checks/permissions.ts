import { type Permission, permissions } from '../../../stacks/permissions.ts';
import { functions } from '../../../stacks/topology.ts';
import type { App, Resource } from '../app.ts';
import { addResource, type Checks, inlinePolicy, resourcePolicy, setInput, trustPolicy, types } from '../faults.ts';
import {
  at,
  type Check,
  find,
  isLive,
  listAt,
  ofType,
  parseStatements,
  resourceName,
  type Statement,
  stageName,
  textAt,
} from '../select.ts';

/** Actions without resource-level permissions. Only these may be allowed on `*`. */
const accountLevelActions: ReadonlySet<string> = new Set([
  'xray:PutTraceSegments',
  'xray:PutTelemetryRecords',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
  'logs:CreateLogDelivery',
  'logs:GetLogDelivery',
  'logs:UpdateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:DescribeResourcePolicies',
  'logs:DescribeLogGroups',
  'secretsmanager:ListSecrets',
]);

interface Role {
  readonly name: string;
  readonly allowed: readonly Statement[];
  readonly trusted: readonly Statement[];
  readonly managed: readonly unknown[];
}

function parseRole({ name, inputs }: Resource): Role {
  const inline = listAt(inputs, 'inlinePolicies').flatMap((policy) => parseStatements(textAt(policy, 'policy')));
  return {
    name,
    allowed: inline,
    trusted: parseStatements(inputs.assumeRolePolicy),
    managed: listAt(inputs, 'managedPolicyArns'),
  };
}

const listRoles = (app: App): Role[] => ofType(app, 'aws:iam/role:Role').map(parseRole);

const checkRolePolicies: Check = (app) => {
  const policyTypes = [
    'aws:iam/policy:Policy',
    'aws:iam/rolePolicyAttachment:RolePolicyAttachment',
    'aws:iam/rolePolicy:RolePolicy',
  ];
  return [
    ...listRoles(app).flatMap(({ name, allowed, managed }) => [
      ...managed.map((arn) => `${name}: has the managed policy ${arn}`),
      ...allowed.flatMap((statement) => broadPermissions(app, statement).map((problem) => `${name}: ${problem}`)),
    ]),
    // The check above covers inline policies only, so there must be no others.
    ...policyTypes.flatMap((type) => ofType(app, type).map(({ name }) => `${name}: a policy outside its role`)),
  ];
};

function broadPermissions(app: App, { effect, actions, resources }: Statement): string[] {
  if (effect !== 'Allow') return [];
  const isAccountLevel = actions.every((action) => accountLevelActions.has(action));
  return [
    ...actions.filter((action) => action.includes('*')).map((action) => `allows ${action}`),
    ...resources.flatMap((resource) => {
      if (resource === '*') return isAccountLevel ? [] : [`allows ${actions.join(', ')} on all resources`];
      return isOfStage(app, resource) ? [] : [`allows ${actions.join(', ')} on ${resource}`];
    }),
    ...(resources.length === 0 ? ['allows without a resource'] : []),
  ];
}

/** A resource may end in `*`, but only after the name of a resource of the stage. `?` matches one character of an organization id. */
function isOfStage(app: App, resource: string): boolean {
  if (!resource.endsWith('*')) return !resource.includes('*');
  const before = resource.slice(0, -1);
  const secrets = stageName(app) === 'production' ? ':secret:livechat/' : `:secret:livechat/${stageName(app)}/`;
  const namesStage = before.includes(resourceName(app, '')) || (before.includes(secrets) && !before.endsWith(secrets));
  return namesStage && !before.includes('*') && !before.endsWith(resourceName(app, ''));
}

/** One AWS service may assume each role. In `sst dev`, users of the account may too. */
const checkTrustPolicies: Check = (app) =>
  listRoles(app).flatMap(({ name, trusted: statements }) => {
    const services = statements.flatMap(({ principal }) => [textAt(principal, 'Service')].filter(Boolean));
    const others = statements.some(
      ({ principal }) => JSON.stringify(principal).includes(':root') || JSON.stringify(principal).includes('"AWS"'),
    );
    return [
      ...(isLive(app) || services.length === 1 ? [] : [`${name}: trusts ${services.join(', ') || 'no service'}`]),
      ...(others && !isLive(app) ? [`${name}: trusts more than its service`] : []),
    ];
  });

/** The actions that every function is allowed. */
const baseActions = ['logs:CreateLogStream', 'logs:PutLogEvents', 'xray:PutTraceSegments', 'xray:PutTelemetryRecords'];

/** Each function has a role of its own, which allows exactly the actions of its permissions. */
const checkFunctionPermissions: Check = (app) =>
  Object.entries(functions).flatMap(([name, spec]) => {
    const role = find(app, 'aws:lambda/function:Function', resourceName(app, name)).inputs.role;
    const sharing = ofType(app, 'aws:lambda/function:Function').filter(({ inputs }) => inputs.role === role).length;
    const own = ofType(app, 'aws:iam/role:Role').find(({ inputs }) =>
      textAt({ role }, 'role').endsWith(`/${inputs.name}`),
    );
    const allowed = own ? parseRole(own).allowed.flatMap(({ actions }) => actions) : [];
    const expected = spec.permissions.flatMap((permission) => [...listActions(permissions[permission])]);
    const invoked = allowed.filter((action) => action === 'sqs:SendMessage' && !expected.includes(action));
    return [
      ...(sharing === 1 ? [] : [`${name}: shares its role`]),
      ...[...new Set([...expected, ...baseActions])]
        .filter((action) => !allowed.includes(action))
        .map((action) => `${name}: lacks ${action}`),
      ...(isLive(app) ? [] : allowed)
        .filter((action) => !expected.includes(action) && !baseActions.includes(action) && !invoked.includes(action))
        .map((action) => `${name}: may ${action} without a permission in the topology`),
    ];
  });

const listActions = ({ actions }: Permission): readonly string[] => actions;

const webhookActions = [...baseActions, 'events:PutEvents', 'secretsmanager:GetSecretValue', 's3:PutObject'];

const checkWebhookRole: Check = (app) => {
  const { allowed } = parseRole(find(app, 'aws:iam/role:Role', 'WebhookRole'));
  return allowed.flatMap(({ actions, resources }) => [
    ...actions.filter((action) => !webhookActions.includes(action)).map((action) => `the webhook may ${action}`),
    ...(actions.includes('s3:PutObject') && !resources.every((resource) => resource.endsWith('/events/*'))
      ? ['the webhook may write to the whole bucket']
      : []),
  ]);
};

/** Every statement of a queue or topic policy that allows something names one service and sources in the account. */
const checkResourcePolicies: Check = (app) =>
  ['aws:sqs/queuePolicy:QueuePolicy', 'aws:sns/topicPolicy:TopicPolicy'].flatMap((type) =>
    ofType(app, type).flatMap(({ name, inputs }) =>
      parseStatements(inputs.policy).flatMap(({ effect, condition, principal }) => {
        if (effect === 'Deny') return [];
        const from = [at(condition, 'ArnEquals.aws:SourceArn') ?? at(condition, 'ArnLike.aws:SourceArn')].flat();
        const isRestricted = from.every((arn) => typeof arn === 'string' && arn.includes(':123456789012:'));
        return isRestricted && textAt(principal, 'Service') !== '' ? [] : [`${name}: allows more than one source`];
      }),
    ),
  );

/** Every permission to invoke a function names one service and one source. */
const checkFunctionPolicies: Check = (app) =>
  ofType(app, 'aws:lambda/permission:Permission').flatMap(({ name, inputs }) => {
    const isRestricted = /^arn:aws:[\w-]+:[\w-]+:123456789012:/.test(textAt(inputs, 'sourceArn'));
    return isRestricted && textAt(inputs, 'principal').endsWith('.amazonaws.com')
      ? []
      : [`${name}: allows more than one source`];
  });

const { fn, role, permission } = types;

/** The role has only this inline policy. */
const grant = (name: string, action: string, resource: string) =>
  setInput(role, name, 'inlinePolicies', inlinePolicy(action, resource));

export const permissionsChecks: Checks = {
  'restricts queue and topic policies to sources in the account': {
    check: checkResourcePolicies,
    faults: [
      [
        'a queue accepts messages of any rule',
        setInput('aws:sqs/queuePolicy:QueuePolicy', 'DeadLettersPolicy', 'policy', resourcePolicy()),
        /DeadLettersPolicy: allows more than one source/,
      ],
    ],
  },
  'restricts function policies to sources in the account': {
    check: checkFunctionPolicies,
    faults: [
      [
        'any rule may invoke a function',
        setInput(permission, 'ChatStartedPermission', 'sourceArn', undefined),
        /ChatStartedPermission: allows/,
      ],
      [
        'any principal may invoke a function',
        setInput(permission, 'ChatStartedPermission', 'principal', '*'),
        /ChatStartedPermission: allows/,
      ],
    ],
  },
  'allows exact actions on exact resources': {
    check: checkRolePolicies,
    faults: [
      [
        'an action has a wildcard',
        grant('SendRole', 'dynamodb:*', 'arn:aws:dynamodb:us-east-1:123456789012:table/livechat-production-x'),
        /SendRole: allows dynamodb:\*/,
      ],
      [
        'an action ends in a wildcard',
        grant('SendRole', 's3:Get*', 'arn:aws:s3:::livechat-production-media'),
        /SendRole: allows s3:Get\*/,
      ],
      [
        'all resources are allowed',
        grant('SendRole', 'dynamodb:GetItem', '*'),
        /SendRole: allows dynamodb:GetItem on all resources/,
      ],
      [
        'a wildcard follows the name of another app',
        grant('SendRole', 's3:GetObject', 'arn:aws:s3:::other/*'),
        /SendRole: allows s3:GetObject on arn:aws:s3:::other/,
      ],
      [
        'a wildcard covers the whole stage',
        grant('SendRole', 'sqs:SendMessage', 'arn:aws:sqs:us-east-1:123456789012:livechat-production-*'),
        /SendRole: allows sqs:SendMessage on/,
      ],
      [
        'a wildcard is in the middle',
        grant('SendRole', 'sqs:SendMessage', 'arn:aws:sqs:*:123456789012:livechat-production-x'),
        /SendRole: allows sqs:SendMessage on/,
      ],
      [
        'all secrets may be read',
        grant(
          'SendRole',
          'secretsmanager:GetSecretValue',
          'arn:aws:secretsmanager:us-east-1:123456789012:secret:livechat/*',
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
  },
  'lets only one service assume each role': {
    check: checkTrustPolicies,
    faults: [
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
  },
  'grants functions exactly their permissions': {
    check: checkFunctionPermissions,
    faults: [
      [
        'a permission is missing',
        setInput(role, 'MessageSeenRole', 'inlinePolicies', []),
        /message-seen: lacks dynamodb:UpdateItem/,
      ],
      [
        'a permission is superfluous',
        grant('MessageSeenRole', 'dynamodb:DeleteItem', 'arn:x'),
        /message-seen: may dynamodb:DeleteItem without a permission in the topology/,
      ],
      [
        'two functions share a role',
        (app) => setInput(fn, 'MessageSeenFunction', 'role', find(app, fn, 'SendFunction').inputs.role)(app),
        /message-seen: shares its role/,
      ],
    ],
  },
  'limits the webhook to the bus, its secrets and large events': {
    check: checkWebhookRole,
    faults: [
      [
        'the webhook may read a table',
        grant('WebhookRole', 'dynamodb:GetItem', 'arn:x'),
        /the webhook may dynamodb:GetItem/,
      ],
      [
        'the webhook may write to the whole bucket',
        grant('WebhookRole', 's3:PutObject', 'arn:aws:s3:::livechat-production-media/*'),
        /to the whole bucket/,
      ],
    ],
  },
};
