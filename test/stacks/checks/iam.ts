import { type Permission, permissions } from '../../../stacks/permissions.ts';
import { functions } from '../../../stacks/topology.ts';
import type { App, Resource } from '../app.ts';
import {
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

export const checkRolePolicies: Check = (app) => {
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
export const checkTrustPolicies: Check = (app) =>
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
export const checkFunctionPermissions: Check = (app) =>
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

export const checkWebhookRole: Check = (app) => {
  const { allowed } = parseRole(find(app, 'aws:iam/role:Role', 'WebhookRole'));
  return allowed.flatMap(({ actions, resources }) => [
    ...actions.filter((action) => !webhookActions.includes(action)).map((action) => `the webhook may ${action}`),
    ...(actions.includes('s3:PutObject') && !resources.every((resource) => resource.endsWith('/events/*'))
      ? ['the webhook may write to the whole bucket']
      : []),
  ]);
};
