import type { ResourceVariable } from '../core/platform/configuration.ts';
import { bus, deadLetters } from './bus.ts';
import { type Permission, type PermissionName, permissions, type Resource } from './permissions.ts';
import { accountId, arn, componentName, named } from './settings.ts';
import { anyUuid, control, conversations, media, messages, secretArns, secretPrefix } from './storage.ts';
import { bucket, stateMachines, tables, variables } from './topology.ts';

type Text = $util.Input<string>;

interface Place {
  /** The environment variable that holds `value`. */
  readonly variable?: ResourceVariable;
  readonly value?: Text;
  readonly arns: readonly Text[];
}

/** A fixed name: functions must know of the send machine, which in turn cannot be made before one of them. */
const machine = named('send');
const large = $interpolate`${media.arn}/${bucket.eventsPrefix}*`;

const places: Readonly<Record<Resource, Place>> = {
  bus: { variable: variables.bus, value: bus.name, arns: [bus.arn] },
  secrets: { variable: variables.secretPrefix, value: secretPrefix, arns: secretArns },
  conversations: { variable: tables.conversations.variable, value: conversations.name, arns: [conversations.arn] },
  messages: { variable: tables.messages.variable, value: messages.name, arns: [messages.arn] },
  control: { variable: tables.control.variable, value: control.name, arns: [control.arn] },
  bucket: { variable: bucket.variable, value: media.name, arns: [media.arn] },
  // Files lie under their organization's id, and nothing else does.
  media: { variable: bucket.variable, value: media.name, arns: [$interpolate`${media.arn}/${anyUuid}/*`] },
  'large events': { variable: bucket.variable, value: media.name, arns: [large] },
  'dead letters': { variable: variables.deadLetterQueue, value: deadLetters.url, arns: [deadLetters.arn] },
  'send machine': {
    variable: stateMachines.send.variable,
    value: arn('states', `stateMachine:${machine}`),
    arns: [arn('states', `stateMachine:${machine}`)],
  },
  executions: { arns: [arn('states', `execution:${machine}:*`)] },
};

/**
 * What a function is linked to by one of its uses: the name in its environment, and the exact permission. SST's own links
 * would allow every action of the service.
 */
function link(name: PermissionName): sst.Linkable<Readonly<Record<string, Text>>> {
  const { of, actions, named }: Permission = permissions[name];
  const { variable, value, arns } = places[of];
  const told = variable !== undefined && value !== undefined && named === undefined;
  return new sst.Linkable(componentName(name), {
    properties: told ? { [variable]: value } : {},
    include: [
      ...(told ? [sst.env({ [variable]: value })] : []),
      ...(actions.length > 0 ? [sst.aws.permission({ actions: [...actions], resources: [...arns] })] : []),
    ],
  });
}

const made = new Map<PermissionName, ReturnType<typeof link>>();

export function linkPermissions(names: readonly PermissionName[]): ReturnType<typeof link>[] {
  return names.map((name) => {
    const existing = made.get(name) ?? link(name);
    made.set(name, existing);
    return existing;
  });
}

/** Every name by its variable: what the command line needs to work with this stage. */
export const environment: Readonly<Record<string, Text>> = Object.fromEntries(
  Object.values(places).flatMap(({ variable, value }) => (variable && value ? [[variable, value]] : [])),
);

export interface RoleOptions {
  readonly name: string;
  /** Who may take the role: this service, and only on behalf of `sourceArn`. */
  readonly service: 'events' | 'states';
  readonly sourceArn: $util.Input<string>;
  readonly allow: readonly {
    readonly actions: readonly string[];
    readonly resources: readonly $util.Input<string>[];
  }[];
  readonly parent: $util.Resource;
}

/** A role for one thing of ours that an AWS service runs. */
export function createRole({ name, service, sourceArn, allow, parent }: RoleOptions): aws.iam.Role {
  const trust = {
    Effect: 'Allow',
    Principal: { Service: `${service}.amazonaws.com` },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'aws:SourceAccount': accountId }, ArnEquals: { 'aws:SourceArn': sourceArn } },
  };
  const permissions = allow.map(({ actions, resources }) => ({
    Effect: 'Allow',
    Action: actions,
    Resource: resources,
  }));
  return new aws.iam.Role(
    `${componentName(name)}Role`,
    {
      name: named(name),
      assumeRolePolicy: $jsonStringify({ Version: '2012-10-17', Statement: [trust] }),
      inlinePolicies: [{ name: 'inline', policy: $jsonStringify({ Version: '2012-10-17', Statement: permissions }) }],
    },
    { parent },
  );
}
