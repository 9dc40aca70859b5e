import { arn, production } from './stage.ts';

/** `livechat/…` in production, `livechat/<stage>/…` elsewhere. */
export const secretPrefix = production ? 'livechat' : `livechat/${$app.stage}`;

const name = `${secretPrefix}/default`;

const secret = new aws.secretsmanager.Secret('LiveChatSecret', {
  name,
  description: 'LiveChat credentials of every organization that has no secret of its own',
  recoveryWindowInDays: production ? 30 : 0,
});

/** Empty: until somebody fills it, the functions say which field is missing. What was filled in is left alone from then on. */
new aws.secretsmanager.SecretVersion(
  'LiveChatSecretVersion',
  { secretId: secret.id, secretString: '{}' },
  { ignoreChanges: ['secretString', 'versionStages'] },
);

/** In an ARN `?` stands for one character. */
export const anyUuid = '????????-????-????-????-????????????';

/** The default secret, and those of organizations: in production, no other stage's in the same account. */
export const secretArns = [
  arn('secretsmanager', `secret:${name}*`),
  arn('secretsmanager', `secret:${secretPrefix}/${anyUuid}*`),
];
