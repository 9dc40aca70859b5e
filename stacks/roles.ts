import { accountId, componentName, named } from './stage.ts';

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
