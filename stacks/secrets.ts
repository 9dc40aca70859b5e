import { arn, production } from './stage.ts';

/** `livechat/…` in production, `livechat/<stage>/…` elsewhere. */
export const secretPrefix = production ? 'livechat' : `livechat/${$app.stage}`;

const name = `${secretPrefix}/default`;

/**
 * Without a value: a deployment neither knows nor changes what is filled in. Until it is filled, the functions say what
 * is expected.
 */
new aws.secretsmanager.Secret(
  'LiveChatSecret',
  {
    name,
    description: 'LiveChat credentials of every organization that has no secret of its own',
    recoveryWindowInDays: production ? 30 : 0,
  },
  { retainOnDelete: production },
);

/** In an ARN `?` stands for one character. */
export const anyUuid = '????????-????-????-????-????????????';

/** The default secret and those of organizations; in production, no other stage's in the same account. */
export const secretArns = [
  arn('secretsmanager', `secret:${name}*`),
  arn('secretsmanager', `secret:${secretPrefix}/${anyUuid}*`),
];
