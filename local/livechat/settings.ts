/** What may be changed while the simulator runs. */
export interface Settings {
  /** Calls a second, over all methods; null: no limit. */
  readonly rateLimitPerSecond: number | null;
  /** How long after add_user_to_chat a user cannot send yet. */
  readonly joinDelayMs: number;
  /** How many agents and bots whom the customer sees may be added to a chat; a transfer is not bound by it. */
  readonly publicAgentsLimit: number;
  /** Who cannot take a chat now: a transfer to them fails, unless it may queue. */
  readonly offlineAgents: readonly string[];
  readonly offlineGroups: readonly number[];
  /** The groups there are; null: any number is one. */
  readonly groups: readonly number[] | null;
  /** Whose credentials the caller has: an agent's e-mail address or a bot's id. */
  readonly agentId: string;
  /** How LiveChat says that a chat is closed. Both were seen. */
  readonly inactiveForm: InactiveForm;
  /** How long a registration, or its removal, takes to be in effect. LiveChat says: up to two minutes. */
  readonly registrationDelayMs: number;
  /** What the caller's token may do; null: everything. */
  readonly scopes?: readonly string[] | null;
  /** Without any credentials, every Authorization header is accepted. */
  readonly accountId?: string | undefined;
  readonly apiKey?: string | undefined;
  readonly accessToken?: string | undefined;
}

export type InactiveForm = 'chat_inactive' | 'validation';

export const defaultSettings = {
  rateLimitPerSecond: null,
  joinDelayMs: 300,
  publicAgentsLimit: 1,
  offlineAgents: [],
  offlineGroups: [],
  groups: null,
  inactiveForm: 'chat_inactive',
  registrationDelayMs: 0,
} as const;

export interface SettingsStore {
  readonly current: () => Settings;
  readonly change: (request: Partial<Settings>) => void;
}

export const createSettings = (initial: Settings): SettingsStore => {
  let settings = initial;
  return {
    current: () => settings,
    change: (request) => {
      settings = { ...settings, ...request };
    },
  };
};

/** The settings without what is secret. */
export const viewSettings = ({ apiKey: _, accessToken: __, ...shown }: Settings) => shown;
