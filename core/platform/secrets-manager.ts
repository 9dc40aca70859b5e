import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  paginateListSecrets,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';

// LiveChat times out a webhook after about 10 s, so a read must succeed or fail well before.
const client = new SecretsManagerClient({
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 2000, throwOnRequestTimeout: true },
});

export type SecretStage = 'AWSCURRENT' | 'AWSPREVIOUS';

export interface SecretVersion {
  readonly text: string;
  /** When this version was written, in ms since 1970. */
  readonly createdAt: number;
}

/** Reads one version of a secret. Undefined if the secret or the version does not exist or is empty. */
export type ReadSecret = (name: string, stage: SecretStage) => Promise<SecretVersion | undefined>;

export const readSecret: ReadSecret = async (name, stage) => {
  try {
    const response = await client.send(new GetSecretValueCommand({ SecretId: name, VersionStage: stage }));
    return response.SecretString
      ? { text: response.SecretString, createdAt: response.CreatedDate?.getTime() ?? 0 }
      : undefined;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
};

/** Writes a new version of an existing secret. The previous version becomes AWSPREVIOUS. */
export async function writeSecret(name: string, text: string): Promise<void> {
  await client.send(new PutSecretValueCommand({ SecretId: name, SecretString: text }));
}

/** Lists the names of the secrets that begin with a prefix. */
export async function listSecretNames(prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const page of paginateListSecrets({ client }, { Filters: [{ Key: 'name', Values: [prefix] }] })) {
    names.push(...(page.SecretList ?? []).flatMap(({ Name = [] }) => Name));
  }
  return names;
}
