import { type Permission, permissions } from '../../../stacks/permissions.ts';
import { functions } from '../../../stacks/topology.ts';
import type { App, Emitted } from '../emitted.ts';
import {
  type Check,
  find,
  isLive,
  listAt,
  named,
  ofType,
  type Statement,
  stageOf,
  statementsOf,
  textAt,
} from '../select.ts';

/** The actions that AWS lets nobody restrict to a resource. Nothing else may be allowed on `*`. */
const withoutResources: ReadonlySet<string> = new Set([
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

function roleOf({ name, inputs }: Emitted): Role {
  const inline = listAt(inputs, 'inlinePolicies').flatMap((policy) => statementsOf(textAt(policy, 'policy')));
  return {
    name,
    allowed: inline,
    trusted: statementsOf(inputs.assumeRolePolicy),
    managed: listAt(inputs, 'managedPolicyArns'),
  };
}

const roles = (app: App): Role[] => ofType(app, 'aws:iam/role:Role').map(roleOf);

/** Exact actions on exact resources, in every role. */
export const exact: Check = (app) => {
  const elsewhere = [
    'aws:iam/policy:Policy',
    'aws:iam/rolePolicyAttachment:RolePolicyAttachment',
    'aws:iam/rolePolicy:RolePolicy',
  ];
  return [
    ...roles(app).flatMap(({ name, allowed, managed }) => [
      ...managed.map((arn) => `${name}: has the policy ${arn}, which is not exact`),
      ...allowed.flatMap((statement) => inexact(app, statement).map((problem) => `${name}: ${problem}`)),
    ]),
    // Whatever would add to a role from outside would not be looked at above.
    ...elsewhere.flatMap((type) => ofType(app, type).map(({ name }) => `${name}: a permission outside its role`)),
  ];
};

function inexact(app: App, { effect, actions, resources }: Statement): string[] {
  if (effect !== 'Allow') return [];
  const limitless = actions.every((action) => withoutResources.has(action));
  return [
    ...actions.filter((action) => action.includes('*')).map((action) => `allows ${action}`),
    ...resources.flatMap((resource) => {
      if (resource === '*') return limitless ? [] : [`allows ${actions.join(', ')} on everything`];
      return isOwn(app, resource) ? [] : [`allows ${actions.join(', ')} on ${resource}`];
    }),
    ...(resources.length === 0 ? ['allows without a resource'] : []),
  ];
}

/** A `*` may only end a resource, and only after a name of ours: `?` stands for one character, which an organization's id has 36 of. */
function isOwn(app: App, resource: string): boolean {
  if (!resource.endsWith('*')) return !resource.includes('*');
  const before = resource.slice(0, -1);
  const secrets = stageOf(app) === 'production' ? ':secret:livechat/' : `:secret:livechat/${stageOf(app)}/`;
  const ours = before.includes(named(app, '')) || (before.includes(secrets) && !before.endsWith(secrets));
  return ours && !before.includes('*') && !before.endsWith(named(app, ''));
}

/** Who may take a role: one service of AWS; live development lets the account's users in. */
export const trusted: Check = (app) =>
  roles(app).flatMap(({ name, trusted: statements }) => {
    const services = statements.flatMap(({ principal }) => [textAt(principal, 'Service')].filter(Boolean));
    const others = statements.some(
      ({ principal }) => JSON.stringify(principal).includes(':root') || JSON.stringify(principal).includes('"AWS"'),
    );
    return [
      ...(isLive(app) || services.length === 1 ? [] : [`${name}: trusts ${services.join(', ') || 'nobody'}`]),
      ...(others && !isLive(app) ? [`${name}: trusts more than its service`] : []),
    ];
  });

/** What every function may do beside its uses. */
const always = ['logs:CreateLogStream', 'logs:PutLogEvents', 'xray:PutTraceSegments', 'xray:PutTelemetryRecords'];

/** Each function has a role of its own, which allows what the topology says that it uses, and nothing more. */
export const used: Check = (app) =>
  Object.entries(functions).flatMap(([name, spec]) => {
    const role = find(app, 'aws:lambda/function:Function', named(app, name)).inputs.role;
    const sharing = ofType(app, 'aws:lambda/function:Function').filter(({ inputs }) => inputs.role === role).length;
    const own = ofType(app, 'aws:iam/role:Role').find(({ inputs }) =>
      textAt({ role }, 'role').endsWith(`/${inputs.name}`),
    );
    const allowed = own ? roleOf(own).allowed.flatMap(({ actions }) => actions) : [];
    const wanted = spec.permissions.flatMap((use) => [...actionsOf(permissions[use])]);
    const invoked = allowed.filter((action) => action === 'sqs:SendMessage' && !wanted.includes(action));
    return [
      ...(sharing === 1 ? [] : [`${name}: shares its role`]),
      ...[...new Set([...wanted, ...always])]
        .filter((action) => !allowed.includes(action))
        .map((action) => `${name}: lacks ${action}`),
      ...(isLive(app) ? [] : allowed)
        .filter((action) => !wanted.includes(action) && !always.includes(action) && !invoked.includes(action))
        .map((action) => `${name}: may ${action} without a use`),
    ];
  });

const actionsOf = ({ actions }: Permission): readonly string[] => actions;

const webhookMay = [...always, 'events:PutEvents', 'secretsmanager:GetSecretValue', 's3:PutObject'];

/** Whoever reaches the webhook from outside reaches no more than the bus, its secrets, and the place of large events. */
export const cornered: Check = (app) => {
  const { allowed } = roleOf(find(app, 'aws:iam/role:Role', 'WebhookRole'));
  return allowed.flatMap(({ actions, resources }) => [
    ...actions.filter((action) => !webhookMay.includes(action)).map((action) => `the webhook may ${action}`),
    ...(actions.includes('s3:PutObject') && !resources.every((resource) => resource.endsWith('/events/*'))
      ? ['the webhook may write anywhere in the bucket']
      : []),
  ]);
};
