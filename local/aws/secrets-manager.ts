import { randomBytes, randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { accountId, region } from './arn.ts';
import { AwsError, createService, paginate, parseInput } from './protocol.ts';

interface Version {
  readonly id: string;
  readonly text: string;
  readonly createdAt: Date;
}

interface Secret {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: Date;
  /** Undefined while the secret is empty. */
  current: Version | undefined;
  previous: Version | undefined;
}

const createSchema = z.strictObject({
  Name: z.string(),
  SecretString: z.optional(z.string()),
  ClientRequestToken: z.optional(z.string()),
});
const putSchema = z.strictObject({
  SecretId: z.string(),
  SecretString: z.string(),
  ClientRequestToken: z.optional(z.string()),
  VersionStages: z.optional(z.array(z.literal('AWSCURRENT'))),
});
const getSchema = z.strictObject({
  SecretId: z.string(),
  VersionId: z.optional(z.string()),
  VersionStage: z.optional(z.string()),
});
/** Of the filters, only that for the beginning of the name is supported. */
const listSchema = z.strictObject({
  Filters: z._default(
    z.array(z.strictObject({ Key: z.literal('name'), Values: z.array(z.string().check(z.regex(/^[^!]/))) })),
    [],
  ),
  MaxResults: z.optional(z.int().check(z.minimum(1), z.maximum(100))),
  NextToken: z.optional(z.string()),
});
const describeSchema = z.strictObject({ SecretId: z.string() });

/** In-memory Secrets Manager: text secrets with a current and a previous version. */
export function createSecrets() {
  const secrets = new Map<string, Secret>();

  function find(id: string): Secret {
    // Like AWS, accepts an ARN without its random suffix.
    const found = [...secrets.values()].find(
      ({ name, arn }) => id === name || id === arn || id === arn.slice(0, arn.lastIndexOf('-')),
    );
    if (!found) throw notFound("Secrets Manager can't find the specified secret.");
    return found;
  }

  function create(input: unknown) {
    const { Name, SecretString, ClientRequestToken } = parseInput(createSchema, input);
    if (secrets.has(Name)) {
      throw new AwsError('ResourceExistsException', `The operation failed because the secret ${Name} already exists.`);
    }
    const arn = `arn:aws:secretsmanager:${region}:${accountId}:secret:${Name}-${randomBytes(3).toString('hex')}`;
    const current = SecretString === undefined ? undefined : newVersion(SecretString, ClientRequestToken);
    secrets.set(Name, { name: Name, arn, createdAt: new Date(), current, previous: undefined });
    return { ARN: arn, Name, VersionId: current?.id };
  }

  function put(input: unknown) {
    const { SecretId, SecretString, ClientRequestToken } = parseInput(putSchema, input);
    const secret = find(SecretId);
    // SDKs send a token, so that a retried call does not replace the previous version.
    if (!secret.current || secret.current.id !== ClientRequestToken) {
      secret.previous = secret.current;
      secret.current = newVersion(SecretString, ClientRequestToken);
    }
    return { ARN: secret.arn, Name: secret.name, VersionId: secret.current.id, VersionStages: ['AWSCURRENT'] };
  }

  function get(input: unknown) {
    const { SecretId, VersionId, VersionStage = VersionId ? undefined : 'AWSCURRENT' } = parseInput(getSchema, input);
    const secret = find(SecretId);
    const version = versionStages(secret).find(
      ({ id, stage }) => id === (VersionId ?? id) && stage === (VersionStage ?? stage),
    );
    if (!version) {
      const wanted = VersionId ? `VersionId: ${VersionId}` : `staging label: ${VersionStage}`;
      throw notFound(`Secrets Manager can't find the specified secret value for ${wanted}`);
    }
    return {
      ARN: secret.arn,
      Name: secret.name,
      VersionId: version.id,
      SecretString: version.text,
      VersionStages: [version.stage],
      CreatedDate: version.createdAt.getTime() / 1_000,
    };
  }

  function list(input: unknown) {
    const { Filters, MaxResults, NextToken } = parseInput(listSchema, input);
    const all = [...secrets.values()];
    const found = all.filter(({ name }) =>
      Filters.every(({ Values }) => Values.some((beginning) => name.startsWith(beginning))),
    );
    const page = { maxResults: MaxResults, nextToken: NextToken };
    const { items, nextToken } = paginate(found, page, (secret) => all.indexOf(secret));
    return { SecretList: items.map(describe), NextToken: nextToken };
  }

  return createService('Secrets Manager', {
    CreateSecret: create,
    PutSecretValue: put,
    GetSecretValue: get,
    DescribeSecret: (input) => describe(find(parseInput(describeSchema, input).SecretId)),
    ListSecrets: list,
  });
}

function versionStages({ current, previous }: Secret) {
  return [
    ...(current ? [{ stage: 'AWSCURRENT', ...current }] : []),
    ...(previous ? [{ stage: 'AWSPREVIOUS', ...previous }] : []),
  ];
}

function describe(secret: Secret) {
  return {
    ARN: secret.arn,
    Name: secret.name,
    CreatedDate: secret.createdAt.getTime() / 1_000,
    LastChangedDate: (secret.current ?? secret).createdAt.getTime() / 1_000,
    VersionIdsToStages: Object.fromEntries(versionStages(secret).map(({ id, stage }) => [id, [stage]])),
  };
}

function newVersion(text: string, token: string = randomUUID()): Version {
  return { id: token, text, createdAt: new Date() };
}

function notFound(message: string): AwsError {
  return new AwsError('ResourceNotFoundException', message);
}
