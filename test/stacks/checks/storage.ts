import { bucket, type TableSpec, tables } from '../../../stacks/topology.ts';
import type { App } from '../emitted.ts';
import { at, type Check, find, isProduction, listAt, ofType, same, statementsOf, textAt } from '../select.ts';

const component = (name: string) => name.replace(/^\w/, (letter) => letter.toUpperCase());
type Problem = string | true;

/** Tables as the topology lays them out: on demand, recoverable, expiring, and in production not to be deleted. */
export const tabled: Check = (app) =>
  Object.entries(tables).flatMap(([name, spec]) =>
    tableMetric(app, name, spec).flatMap((problem) => (problem === true ? [] : [`table ${name}: ${problem}`])),
  );

function tableMetric(app: App, name: string, { layout }: TableSpec): Problem[] {
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
    (at(inputs, 'ttl.enabled') === true && at(inputs, 'ttl.attributeName') === layout.expiry) ||
      'it keeps all for ever',
    inputs.deletionProtectionEnabled === isProduction(app) ||
      `its deletion protection is ${inputs.deletionProtectionEnabled}`,
    retained === isProduction(app) || `it is ${retained ? '' : 'not '}retained`,
    (inputs.hashKey === layout.partitionKey && inputs.rangeKey === layout.sortKey) || 'its key is another',
    same(indexes, layout.indexes) || 'its indexes are others',
  ];
}

/** The bucket is private, encrypted and forgets; only outside production it goes with all that is in it. */
export const bucketed: Check = (app) => {
  const own = find(app, 'aws:s3/bucket:Bucket', `${component(bucket.name)}Bucket`);
  const [block] = ofType(app, 'aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock');
  const [encryption] = ofType(
    app,
    'aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration',
  );
  const problems: Problem[] = [
    own.inputs.forceDestroy === !isProduction(app) || 'what is in it goes with it',
    own.retained === isProduction(app) || `it is ${own.retained ? '' : 'not '}retained`,
    ['blockPublicAcls', 'blockPublicPolicy', 'ignorePublicAcls', 'restrictPublicBuckets'].every(
      (rule) => block?.inputs[rule] === true,
    ) || 'it may be made public',
    textAt(listAt(encryption?.inputs, 'rules')[0], 'applyServerSideEncryptionByDefault.sseAlgorithm') !== '' ||
      'it is not encrypted',
    ofType(app, 'aws:s3/bucketCorsConfiguration:BucketCorsConfiguration').length === 0 || 'browsers may read it',
    ...expiring(app),
    ...encryptedOnItsWay(app),
  ];
  return problems.flatMap((problem) => (problem === true ? [] : [`bucket: ${problem}`]));
};

function expiring(app: App): Problem[] {
  const [lifecycle] = ofType(app, 'aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration');
  const expired = listAt(lifecycle?.inputs, 'rules').flatMap((rule) =>
    at(rule, 'status') === 'Enabled' && Number(at(rule, 'expiration.days')) > 0 ? [textAt(rule, 'filter.prefix')] : [],
  );
  return [
    expired.includes(bucket.eventsPrefix) || 'large events are kept for ever',
    expired.includes('') || 'media are kept for ever',
  ];
}

function encryptedOnItsWay(app: App): Problem[] {
  const statements = ofType(app, 'aws:s3/bucketPolicy:BucketPolicy').flatMap(({ inputs }) =>
    statementsOf(inputs.policy),
  );
  const refusing = statements.some(
    ({ effect, condition }) => effect === 'Deny' && JSON.stringify(condition).includes('aws:SecureTransport'),
  );
  const opening = statements.some(({ effect }) => effect === 'Allow');
  return [refusing || 'it may be read without TLS', !opening || 'its policy lets somebody in'];
}

/** The default secret: made without a value, and in production to be had back for a month. */
export const secretive: Check = (app) => {
  const [secret, ...others] = ofType(app, 'aws:secretsmanager/secret:Secret');
  const stage = isProduction(app) ? '' : `${textAt(app.settings, 'stage')}/`;
  const problems: Problem[] = [
    others.length === 0 || 'there is more than one',
    secret?.inputs.name === `livechat/${stage}default` || `it is called ${secret?.inputs.name}`,
    secret?.inputs.recoveryWindowInDays === (isProduction(app) ? 30 : 0) || 'its recovery window is another',
    secret?.retained === isProduction(app) || 'it goes with the app',
    ofType(app, 'aws:secretsmanager/secretVersion:SecretVersion').length === 0 || 'its value is in the state',
  ];
  return problems.flatMap((problem) => (problem === true ? [] : [`secret: ${problem}`]));
};
