import { bucket, expiryAttribute, type TableSpec, tables } from '../../../stacks/topology.ts';
import type { App } from '../app.ts';
import {
  addResource,
  type Checks,
  removeResource,
  replaceResources,
  resourcePolicy,
  setInput,
  types,
} from '../faults.ts';
import {
  at,
  type Check,
  componentName,
  find,
  isEqual,
  isProduction,
  listAt,
  ofType,
  type Problem,
  parseStatements,
  report,
  textAt,
} from '../select.ts';

const checkTables: Check = (app) =>
  Object.entries(tables).flatMap(([name, spec]) => report(`table ${name}`, tableProblems(app, name, spec)));

function tableProblems(app: App, name: string, spec: TableSpec): Problem[] {
  const { inputs, retained } = find(app, 'aws:dynamodb/table:Table', `${componentName(name)}Table`);
  const indexes = listAt(inputs, 'globalSecondaryIndexes').map((index) => ({
    name: at(index, 'name'),
    partitionKey: at(index, 'hashKey'),
    sortKey: at(index, 'rangeKey'),
    projection: at(index, 'projectionType'),
  }));
  return [
    inputs.billingMode === 'PAY_PER_REQUEST' || 'it is not on demand',
    at(inputs, 'pointInTimeRecovery.enabled') === true || 'it cannot be recovered',
    (at(inputs, 'ttl.enabled') === true && at(inputs, 'ttl.attributeName') === expiryAttribute) || 'it has no TTL',
    inputs.deletionProtectionEnabled === isProduction(app) ||
      `its deletion protection is ${inputs.deletionProtectionEnabled}`,
    retained === isProduction(app) || `it is ${retained ? '' : 'not '}retained`,
    (inputs.hashKey === 'pk' && inputs.rangeKey === 'sk') || 'its key differs',
    isEqual(indexes, spec.indexes) || 'its indexes differ',
  ];
}

const checkBucket: Check = (app) => {
  const own = find(app, 'aws:s3/bucket:Bucket', `${componentName(bucket.name)}Bucket`);
  const [block] = ofType(app, 'aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock');
  const [encryption] = ofType(
    app,
    'aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration',
  );
  const problems: Problem[] = [
    own.inputs.forceDestroy === !isProduction(app) || 'its objects are deleted with it',
    own.retained === isProduction(app) || `it is ${own.retained ? '' : 'not '}retained`,
    ['blockPublicAcls', 'blockPublicPolicy', 'ignorePublicAcls', 'restrictPublicBuckets'].every(
      (rule) => block?.inputs[rule] === true,
    ) || 'it may be made public',
    textAt(listAt(encryption?.inputs, 'rules')[0], 'applyServerSideEncryptionByDefault.sseAlgorithm') !== '' ||
      'it is not encrypted',
    ofType(app, 'aws:s3/bucketCorsConfiguration:BucketCorsConfiguration').length === 0 || 'it allows CORS',
    ...lifecycleProblems(app),
    ...policyProblems(app),
  ];
  return report('bucket', problems);
};

function lifecycleProblems(app: App): Problem[] {
  const [lifecycle] = ofType(app, 'aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration');
  const expired = listAt(lifecycle?.inputs, 'rules').flatMap((rule) =>
    at(rule, 'status') === 'Enabled' && Number(at(rule, 'expiration.days')) > 0 ? [textAt(rule, 'filter.prefix')] : [],
  );
  return [
    expired.includes(bucket.eventsPrefix) || 'large events do not expire',
    expired.includes('') || 'media do not expire',
  ];
}

function policyProblems(app: App): Problem[] {
  const statements = ofType(app, 'aws:s3/bucketPolicy:BucketPolicy').flatMap(({ inputs }) =>
    parseStatements(inputs.policy),
  );
  const deniesPlainHttp = statements.some(
    ({ effect, condition }) => effect === 'Deny' && JSON.stringify(condition).includes('aws:SecureTransport'),
  );
  const allowsAccess = statements.some(({ effect }) => effect === 'Allow');
  return [deniesPlainHttp || 'it may be read without TLS', !allowsAccess || 'its policy allows access'];
}

const checkSecret: Check = (app) => {
  const [secret, ...others] = ofType(app, 'aws:secretsmanager/secret:Secret');
  const stage = isProduction(app) ? '' : `${textAt(app.settings, 'stage')}/`;
  const problems: Problem[] = [
    others.length === 0 || 'there is more than one',
    secret?.inputs.name === `livechat/${stage}default` || `it is called ${secret?.inputs.name}`,
    secret?.inputs.recoveryWindowInDays === (isProduction(app) ? 30 : 0) || 'its recovery window differs',
    secret?.retained === isProduction(app) || 'it is not retained',
    ofType(app, 'aws:secretsmanager/secretVersion:SecretVersion').length === 0 || 'its value is in the state',
  ];
  return report('secret', problems);
};

const { table, lifecycle } = types;

export const storageChecks: Checks = {
  'creates tables with recovery, TTL and deletion protection': {
    check: checkTables,
    faults: [
      [
        'a table cannot be recovered',
        setInput(table, 'MessagesTable', 'pointInTimeRecovery.enabled', false),
        /messages: it cannot be recovered/,
      ],
      ['items do not expire', setInput(table, 'MessagesTable', 'ttl', undefined), /messages: it has no TTL/],
      [
        'a table may be deleted',
        setInput(table, 'MessagesTable', 'deletionProtectionEnabled', false),
        /messages: its deletion protection is false/,
      ],
      [
        'a table has provisioned capacity',
        setInput(table, 'MessagesTable', 'billingMode', 'PROVISIONED'),
        /messages: it is not on demand/,
      ],
      [
        'an index is missing',
        setInput(table, 'MessagesTable', 'globalSecondaryIndexes', []),
        /messages: its indexes differ/,
      ],
      [
        'a table is not retained',
        (app) =>
          replaceResources(
            app,
            app.resources.map((one) => ({ ...one, retained: false })),
          ),
        /messages: it is not retained/,
      ],
    ],
  },
  'keeps the bucket private, encrypted and expiring': {
    check: checkBucket,
    faults: [
      [
        'it may be made public',
        setInput(
          'aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock',
          'MediaPublicAccessBlock',
          'blockPublicPolicy',
          false,
        ),
        /may be made public/,
      ],
      [
        'it is not encrypted',
        removeResource('aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration'),
        /not encrypted/,
      ],
      ['large events do not expire', setInput(lifecycle, 'MediaLifecycle', 'rules', []), /large events do not expire/],
      [
        'its objects are deleted with it',
        setInput('aws:s3/bucket:Bucket', 'MediaBucket', 'forceDestroy', true),
        /objects are deleted with it/,
      ],
      [
        'the bucket allows CORS',
        addResource('aws:s3/bucketCorsConfiguration:BucketCorsConfiguration', 'Cors', {}),
        /it allows CORS/,
      ],
      [
        'its policy allows access',
        setInput('aws:s3/bucketPolicy:BucketPolicy', 'MediaPolicy', 'policy', resourcePolicy()),
        /its policy allows access/,
      ],
    ],
  },
  'creates the secret without a value': {
    check: checkSecret,
    faults: [
      [
        'a value is in the state',
        addResource('aws:secretsmanager/secretVersion:SecretVersion', 'V', {}),
        /its value is in the state/,
      ],
      [
        'it has no recovery window',
        setInput('aws:secretsmanager/secret:Secret', 'LiveChatSecret', 'recoveryWindowInDays', 0),
        /recovery window/,
      ],
    ],
  },
};
