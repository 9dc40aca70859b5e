import { bucket, type TableSpec, tables } from '../../../stacks/topology.ts';
import type { App } from '../app.ts';
import { at, type Check, find, isEqual, isProduction, listAt, ofType, parseStatements, textAt } from '../select.ts';

const component = (name: string) => name.replace(/^\w/, (letter) => letter.toUpperCase());
type Problem = string | true;

export const checkTables: Check = (app) =>
  Object.entries(tables).flatMap(([name, spec]) =>
    tableProblems(app, name, spec).flatMap((problem) => (problem === true ? [] : [`table ${name}: ${problem}`])),
  );

function tableProblems(app: App, name: string, { layout }: TableSpec): Problem[] {
  const { inputs, retained } = find(app, 'aws:dynamodb/table:Table', `${component(name)}Table`);
  const indexes = listAt(inputs, 'globalSecondaryIndexes').map((index) => ({
    name: at(index, 'name'),
    partitionKey: at(index, 'hashKey'),
    sortKey: at(index, 'rangeKey'),
    projection: at(index, 'projectionType'),
  }));
  return [
    inputs.billingMode === 'PAY_PER_REQUEST' || 'it is not on demand',
    at(inputs, 'pointInTimeRecovery.enabled') === true || 'it cannot be recovered',
    (at(inputs, 'ttl.enabled') === true && at(inputs, 'ttl.attributeName') === layout.expiry) || 'it has no TTL',
    inputs.deletionProtectionEnabled === isProduction(app) ||
      `its deletion protection is ${inputs.deletionProtectionEnabled}`,
    retained === isProduction(app) || `it is ${retained ? '' : 'not '}retained`,
    (inputs.hashKey === layout.partitionKey && inputs.rangeKey === layout.sortKey) || 'its key differs',
    isEqual(indexes, layout.indexes) || 'its indexes differ',
  ];
}

export const checkBucket: Check = (app) => {
  const own = find(app, 'aws:s3/bucket:Bucket', `${component(bucket.name)}Bucket`);
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
  return problems.flatMap((problem) => (problem === true ? [] : [`bucket: ${problem}`]));
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

export const checkSecret: Check = (app) => {
  const [secret, ...others] = ofType(app, 'aws:secretsmanager/secret:Secret');
  const stage = isProduction(app) ? '' : `${textAt(app.settings, 'stage')}/`;
  const problems: Problem[] = [
    others.length === 0 || 'there is more than one',
    secret?.inputs.name === `livechat/${stage}default` || `it is called ${secret?.inputs.name}`,
    secret?.inputs.recoveryWindowInDays === (isProduction(app) ? 30 : 0) || 'its recovery window differs',
    secret?.retained === isProduction(app) || 'it is not retained',
    ofType(app, 'aws:secretsmanager/secretVersion:SecretVersion').length === 0 || 'its value is in the state',
  ];
  return problems.flatMap((problem) => (problem === true ? [] : [`secret: ${problem}`]));
};
