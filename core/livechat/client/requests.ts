/** Bodies of the API's methods, in LiveChat's own words. Source: facts of the API reference, v3.4 to v3.6. */

export type Visibility = 'all' | 'agents';

/** An event to be sent; the rest of its fields depends on `type`. */
export type NewEvent = Readonly<Record<string, unknown>> & {
  readonly type: string;
  readonly visibility?: Visibility;
  /** Comes back with the event. LiveChat does not refuse a second event with the same one. */
  readonly custom_id?: string;
};

export interface SendEvent {
  readonly chat_id: string;
  readonly event: NewEvent;
}

export interface ResumeChat {
  readonly chat: {
    readonly id: string;
    readonly access?: { readonly group_ids: readonly number[] };
    readonly thread?: { readonly events?: readonly NewEvent[] };
  };
  /** False appends an inactive thread. LiveChat's default is true. */
  readonly active?: boolean;
  readonly continuous?: boolean;
}

export interface AddUserToChat {
  readonly chat_id: string;
  /** An agent's e-mail, a bot's id or a customer's id. */
  readonly user_id: string;
  readonly user_type: 'agent' | 'customer';
  readonly visibility: Visibility;
  readonly ignore_requester_presence?: boolean;
}

export interface TransferChat {
  readonly id: string;
  /** Without a target the chat is routed within its present group. */
  readonly target?:
    | { readonly type: 'agent'; readonly ids: readonly string[] }
    | { readonly type: 'group'; readonly ids: readonly number[] };
  readonly ignore_agents_availability?: boolean;
  readonly ignore_requester_presence?: boolean;
}

export interface DeactivateChat {
  readonly id: string;
  readonly ignore_requester_presence?: boolean;
}

export interface GetChat {
  readonly chat_id: string;
  /** The latest thread where it is left out. */
  readonly thread_id?: string;
}

export type ListThreads = { readonly chat_id: string; readonly page_id?: string } & (
  | {
      readonly sort_order?: 'asc' | 'desc';
      /** At most 100; LiveChat's default is 3. */
      readonly limit?: number;
      readonly min_events_count?: never;
      /** Times with microseconds. */
      readonly filters?: { readonly from?: string; readonly to?: string };
    }
  | { readonly sort_order?: 'asc' | 'desc'; readonly min_events_count: number; readonly limit?: never }
);

/** A page id stands alone. */
export type ListChats =
  | {
      /** As of v3.6. Before, `active` goes as `include_active`, with which inactive chats are listed too. */
      readonly filters?: { readonly active?: boolean; readonly group_ids?: readonly number[] };
      readonly sort_order?: 'asc' | 'desc';
      /** At most 100; LiveChat's default is 10. */
      readonly limit?: number;
      readonly page_id?: never;
    }
  | { readonly page_id: string };

export interface TagThread {
  readonly chat_id: string;
  readonly thread_id: string;
  /** Must exist; upper and lower case differ. */
  readonly tag: string;
}

export interface RegisterWebhook {
  readonly action: string;
  readonly secret_key: string;
  /** At most 500 characters. */
  readonly url: string;
  readonly owner_client_id: string;
  readonly type: 'bot' | 'license';
  readonly description?: string;
  readonly additional_data?: readonly ('chat_properties' | 'chat_presence_user_ids')[];
  readonly filters?: Readonly<Record<string, unknown>>;
}

export interface UnregisterWebhook {
  readonly id: string;
  readonly owner_client_id: string;
}

export interface OfClient {
  readonly owner_client_id: string;
}
