/** One result of a check. */
export interface Finding {
  /** What was checked, such as `tables`. By default the name of the check that found it. */
  readonly check?: string;
  /** `fault`: something does not work. `warning`: something needs attention. `note`: information. */
  readonly severity: 'ok' | 'note' | 'warning' | 'fault';
  /** What was found, in one sentence. */
  readonly message: string;
  /** What to do about it. */
  readonly fix?: string;
}

export const ok = (message: string): Finding => ({ severity: 'ok', message });
export const note = (message: string): Finding => ({ severity: 'note', message });
export const warning = (message: string, fix: string): Finding => ({ severity: 'warning', message, fix });
/** The default fix is right for every resource that a deployment creates. */
export const fault = (message: string, fix = 'Deploy the stage again (locally, restart the engine).'): Finding => ({
  severity: 'fault',
  message,
  fix,
});

/** The problems or, if there are none, what is correct. */
export const problemsOr = (problems: readonly Finding[], message: string): readonly Finding[] =>
  problems.length > 0 ? problems : [ok(message)];

/** What `livechat doctor` checks of a channel. */
export interface ChannelDoctor {
  /** Each parses a setting, and throws a ConfigurationError if it is malformed. */
  readonly settings: readonly (() => unknown)[];
  /** The organizations with credentials of their own, preceded by undefined if some use the default credentials. */
  listAccounts(organizationIds: readonly string[]): Promise<readonly (string | undefined)[]>;
  /** Checks the credentials of an organization, by default the default ones, and the registration of the webhook. */
  checkAccount(organizationId: string | undefined, webhookUrl: string): Promise<readonly Finding[]>;
  /** When each webhook last arrived. */
  checkLatestWebhooks(organizationIds: readonly string[]): Promise<readonly Finding[]>;
}
