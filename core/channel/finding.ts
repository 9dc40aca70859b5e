/** One result of a check. */
export interface Finding {
  /** The subject of the check, such as `tables`. Default: the name of the check. */
  readonly check?: string;
  /** `fault`: something does not work. `warning`: something needs attention. `note`: information. */
  readonly severity: 'ok' | 'note' | 'warning' | 'fault';
  /** The result, in one sentence. */
  readonly message: string;
  /** The instruction to fix it. */
  readonly fix?: string;
}

export const ok = (message: string): Finding => ({ severity: 'ok', message });
export const note = (message: string): Finding => ({ severity: 'note', message });
export const warning = (message: string, fix: string): Finding => ({ severity: 'warning', message, fix });
/** The default fix applies to every resource that a deployment creates. */
export const fault = (message: string, fix = 'Deploy the stage again (locally, restart the engine).'): Finding => ({
  severity: 'fault',
  message,
  fix,
});

/** Returns the problems. Without problems, returns one finding with the message. */
export const problemsOr = (problems: readonly Finding[], message: string): readonly Finding[] =>
  problems.length > 0 ? problems : [ok(message)];

/** The checks of `livechat doctor` that a channel implements. */
export interface ChannelDoctor {
  /** Each parses a setting, and throws a ConfigurationError if it is malformed. */
  readonly settings: readonly (() => unknown)[];
  /**
   * Lists the organizations with their own credentials. The first element is undefined if other organizations use the default
   * credentials.
   */
  listAccounts(organizationIds: readonly string[]): Promise<readonly (string | undefined)[]>;
  /**
   * Checks an organization's credentials and the registration of the webhook. Without an organization, checks the default
   * credentials.
   */
  checkAccount(organizationId: string | undefined, webhookUrl: string): Promise<readonly Finding[]>;
  /** Reports when each webhook last arrived. */
  checkLatestWebhooks(organizationIds: readonly string[]): Promise<readonly Finding[]>;
}
