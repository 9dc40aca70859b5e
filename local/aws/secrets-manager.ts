import { randomBytes, randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { accountId, region } from './arn.ts';
import { AwsError, createService, parseInput } from './protocol.ts';

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

const createSchema = z.object({
  Name: z.string(),
  SecretString: z.optional(z.string()),
  ClientRequestToken: z.optional(z.string()),
});
const putSchema = z.object({
  SecretId: z.string(),
  SecretString: z.string(),
  ClientRequestToken: z.optional(z.string()),
  VersionStages: z.optional(z.array(z.literal('AWSCURRENT'))),
});
const describeSchema = z.object({ SecretId: z.string() });
const getSchema = z.object({
  SecretId: z.string(),
  VersionId: z.optional(z.string()),
  VersionStage: z.optional(z.string()),
});

/** In-memory Secrets Manager: text secrets with a current and a previous version. */
export function createSecrets(now: () => Date = () => new Date()) {
  const secrets = new Map<string, Secret>();

  function find(id: string): Secret {
    // Like AWS, accepts an ARN without its random suffix.
    const found = [...secrets.values()].find(
      ({ name, arn }) => id === name || id === arn || id === arn.slice(0, arn.lastIndexOf('-')),
    );
    if (!found) throw notFound("Secrets Manager can't find the specified secret.");
    return found;
  }

  function newVersion(text: string, token: string | undefined): Version {
    return { id: token ?? randomUUID(), text, createdAt: now() };
  }

  function create(input: unknown) {
    const { Name, SecretString, ClientRequestToken } = parseInput(createSchema, input);
    if (secrets.has(Name)) {
      throw new AwsError('ResourceExistsException', `The operation failed because the secret ${Name} already exists.`);
    }
    const arn = `arn:aws:secretsmanager:${region}:${accountId}:secret:${Name}-${randomBytes(3).toString('hex')}`;
    const current = SecretString === undefined ? undefined : newVersion(SecretString, ClientRequestToken);
    secrets.set(Name, { name: Name, arn, createdAt: now(), current, previous: undefined });
    return { ARN: arn, Name, ...(current && { VersionId: current.id }) };
  }

  function put(input: unknown) {
    const { SecretId, SecretString, ClientRequestToken } = parseInput(putSchema, input);
    const secret = find(SecretId);
    // SDKs send a token, so that a retried call does not replace the previous version.
    const before = secret.current;
    const repeated = before !== undefined && before.id === ClientRequestToken;
    const current = repeated ? before : newVersion(SecretString, ClientRequestToken);
    if (!repeated) {
      secret.previous = before;
      secret.current = current;
    }
    return { ARN: secret.arn, Name: secret.name, VersionId: current.id, VersionStages: ['AWSCURRENT'] };
  }

  function get(input: unknown) {
    const { SecretId, VersionId, VersionStage } = parseInput(getSchema, input);
    const secret = find(SecretId);
    const version = versionStages(secret).find(({ stage, id }) =>
      VersionId
        ? id === VersionId && (!VersionStage || stage === VersionStage)
        : stage === (VersionStage ?? 'AWSCURRENT'),
    );
    if (!version) {
      const wanted = VersionId ? `VersionId: ${VersionId}` : `staging label: ${VersionStage ?? 'AWSCURRENT'}`;
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

  return createService('Secrets Manager', {
    CreateSecret: create,
    PutSecretValue: put,
    GetSecretValue: get,
    DescribeSecret: (input) => describe(find(parseInput(describeSchema, input).SecretId)),
    ListSecrets: () => ({ SecretList: [...secrets.values()].map(describe) }),
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

function notFound(message: string): AwsError {
  return new AwsError('ResourceNotFoundException', message);
}
