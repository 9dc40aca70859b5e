import { randomBytes, randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import type { State } from '../state.ts';
import { accountId, region } from './arn.ts';
import { AwsError, createService, paginate, parseInput } from './protocol.ts';

interface Version {
  readonly id: string;
  readonly text: string;
  /** Seconds since 1970. */
  readonly createdAt: number;
}

interface Secret {
  readonly name: string;
  readonly arn: string;
  /** Seconds since 1970. */
  readonly createdAt: number;
  /** Undefined while the secret is empty. */
  readonly current?: Version | undefined;
  readonly previous?: Version | undefined;
}

const maxSecretBytes = 65_536;
const secretText = z.string().check(
  z.minLength(1),
  z.refine((text) => Buffer.byteLength(text) <= maxSecretBytes, `expected at most ${maxSecretBytes} bytes`),
);
const requestToken = z.optional(z.string().check(z.minLength(32), z.maxLength(64)));
const createSchema = z.strictObject({
  Name: z.string().check(z.regex(/^[\w/+=.@-]{1,512}$/)),
  SecretString: z.optional(secretText),
  ClientRequestToken: requestToken,
});
const putSchema = z.strictObject({
  SecretId: z.string(),
  SecretString: secretText,
  ClientRequestToken: requestToken,
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

/** Secrets Manager: text secrets with a current and a previous version. */
export function createSecrets(state: State) {
  const secrets = state.collection<Secret>('secrets');

  const all = (): readonly Secret[] => secrets.entries().map(([, secret]) => secret);

  function find(id: string): Secret {
    // Like AWS, accepts an ARN without its random suffix.
    const found = all().find(({ name, arn }) => id === name || id === arn || id === arn.slice(0, arn.lastIndexOf('-')));
    if (!found) throw notFound("Secrets Manager can't find the specified secret.");
    return found;
  }

  function create(input: unknown) {
    const { Name, SecretString, ClientRequestToken } = parseInput(createSchema, input);
    if (secrets.get(Name)) {
      throw new AwsError('ResourceExistsException', `The operation failed because the secret ${Name} already exists.`);
    }
    const arn = `arn:aws:secretsmanager:${region}:${accountId}:secret:${Name}-${randomBytes(3).toString('hex')}`;
    const current = SecretString === undefined ? undefined : newVersion(SecretString, ClientRequestToken);
    secrets.put(Name, { name: Name, arn, createdAt: nowSeconds(), current });
    return { ARN: arn, Name, VersionId: current?.id };
  }

  function put(input: unknown) {
    const { SecretId, SecretString, ClientRequestToken } = parseInput(putSchema, input);
    const secret = find(SecretId);
    // SDKs send a token, so that a retried call does not replace the previous version.
    const before = versionStages(secret).find(({ id }) => id === ClientRequestToken);
    if (before && before.text !== SecretString) {
      throw new AwsError(
        'ResourceExistsException',
        `A version with the ClientRequestToken ${ClientRequestToken} exists, and has another value.`,
      );
    }
    const current = before ?? newVersion(SecretString, ClientRequestToken);
    if (!before) secrets.put(secret.name, { ...secret, current, previous: secret.current });
    return { ARN: secret.arn, Name: secret.name, VersionId: current.id, VersionStages: ['AWSCURRENT'] };
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
      CreatedDate: version.createdAt,
    };
  }

  function list(input: unknown) {
    const { Filters, MaxResults, NextToken } = parseInput(listSchema, input);
    const secretsInOrder = all();
    const found = secretsInOrder.filter(({ name }) =>
      Filters.every(({ Values }) => Values.some((beginning) => name.startsWith(beginning))),
    );
    const page = { maxResults: MaxResults, nextToken: NextToken };
    const { items, nextToken } = paginate(found, page, (secret) => secretsInOrder.indexOf(secret));
    return { SecretList: items.map(describe), NextToken: nextToken };
  }

  const service = createService('Secrets Manager', {
    CreateSecret: create,
    PutSecretValue: put,
    GetSecretValue: get,
    DescribeSecret: (input) => describe(find(parseInput(describeSchema, input).SecretId)),
    ListSecrets: list,
  });

  return {
    ...service,
    /** The current value of a secret, if it has one. */
    read: (name: string): string | undefined => secrets.get(name)?.current?.text,
  };
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
    CreatedDate: secret.createdAt,
    LastChangedDate: (secret.current ?? secret).createdAt,
    VersionIdsToStages: Object.fromEntries(versionStages(secret).map(({ id, stage }) => [id, [stage]])),
  };
}

function newVersion(text: string, token: string = randomUUID()): Version {
  return { id: token, text, createdAt: nowSeconds() };
}

function nowSeconds(): number {
  return Date.now() / 1_000;
}

function notFound(message: string): AwsError {
  return new AwsError('ResourceNotFoundException', message);
}
