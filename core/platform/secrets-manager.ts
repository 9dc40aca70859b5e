import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';

// LiveChat waits about 10 s for an answer, so a secret must be there or fail well before.
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

/** Whether Secrets Manager refuses the reading, for want of a permission or, it may be, of the secret. */
export function isAccessDenied(error: unknown): boolean {
  return error instanceof Error && error.name === 'AccessDeniedException';
}

/** Reads one version of a secret; undefined when the secret or that version does not exist, or is still empty. */
export type ReadSecret = (name: string, stage: SecretStage) => Promise<SecretVersion | undefined>;

export const readSecret: ReadSecret = async (name, stage) => {
  try {
    const answer = await client.send(new GetSecretValueCommand({ SecretId: name, VersionStage: stage }));
    return answer.SecretString
      ? { text: answer.SecretString, createdAt: answer.CreatedDate?.getTime() ?? 0 }
      : undefined;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
};

/** Writes a new version of a secret that is there; the one before becomes AWSPREVIOUS. */
export async function writeSecret(name: string, text: string): Promise<void> {
  await client.send(new PutSecretValueCommand({ SecretId: name, SecretString: text }));
}
