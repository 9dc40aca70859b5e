/** LiveChat's own objects (API v3.6), under LiveChat's own names. What a webhook carries is built of these. */

export type Properties = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;

export type Visibility = 'all' | 'agents';

export interface Customer {
  readonly id: string;
  readonly type: 'customer';
  readonly name: string;
  readonly email?: string;
  readonly email_verified: boolean;
  readonly present: boolean;
  readonly created_at: string;
  readonly events_seen_up_to: string;
  readonly visit: Readonly<Record<string, unknown>>;
  readonly session_fields: readonly Readonly<Record<string, string>>[];
  readonly statistics: Readonly<Record<string, number>>;
}

/** A human agent, whose id is an e-mail address, or a bot, whose id is 32 hex digits. */
export interface Agent {
  readonly id: string;
  readonly type: 'agent';
  readonly name: string;
  readonly email?: string;
  readonly present: boolean;
  readonly events_seen_up_to: string;
  readonly avatar: string;
  readonly visibility: Visibility;
}

export type User = Customer | Agent;

export interface Button {
  readonly text: string;
  readonly type: 'message' | 'url' | 'webview' | 'phone';
  readonly value: string;
  readonly postback_id: string;
  /** Those who clicked it. */
  readonly user_ids: readonly string[];
  readonly webview_height?: 'compact' | 'tall' | 'full' | undefined;
  readonly target?: 'new' | 'current' | undefined;
}

export interface RichElement {
  readonly title?: string | undefined;
  readonly subtitle?: string | undefined;
  readonly image?: Readonly<Record<string, unknown>> | undefined;
  readonly buttons?: readonly Button[] | undefined;
}

export interface Option {
  readonly id: string;
  readonly label: string;
  readonly group_id?: number;
}

export interface FilledField {
  readonly type: string;
  readonly id: string;
  readonly label: string;
  readonly answer?: string | Option;
  readonly answers?: readonly Option[];
}

export interface Postback {
  readonly id: string;
  readonly thread_id: string;
  readonly event_id: string;
  readonly type?: string | undefined;
  readonly value?: string | undefined;
}

export type EventContent =
  | { readonly type: 'message'; readonly text: string; readonly postback?: Postback | undefined }
  | {
      readonly type: 'file';
      readonly name: string;
      readonly url: string;
      readonly content_type: string;
      readonly size?: number;
      readonly width?: number;
      readonly height?: number;
      readonly thumbnail_url?: string;
      readonly thumbnail2x_url?: string;
      readonly alternative_text?: string;
    }
  | { readonly type: 'rich_message'; readonly template_id: string; readonly elements: readonly RichElement[] }
  | {
      readonly type: 'filled_form';
      readonly form_id: string;
      readonly form_type: string;
      readonly fields: readonly FilledField[];
    }
  | {
      readonly type: 'system_message';
      readonly text: string;
      readonly system_message_type: string;
      readonly text_vars: Readonly<Record<string, string>>;
    }
  | { readonly type: 'custom'; readonly content: Readonly<Record<string, unknown>> }
  | { readonly type: EventType; readonly deleted: true };

export type EventType = 'message' | 'file' | 'rich_message' | 'filled_form' | 'system_message' | 'custom';

export type ChatEvent = EventContent & {
  readonly id: string;
  readonly created_at: string;
  readonly visibility: Visibility;
  /** Absent for system messages. */
  readonly author_id?: string;
  readonly custom_id?: string;
  readonly properties?: Properties;
};

export interface Queue {
  readonly position: number;
  /** Seconds. */
  readonly wait_time: number;
  readonly queued_at: string;
}

export interface Access {
  readonly group_ids: readonly number[];
}

export interface Thread {
  readonly id: string;
  readonly active: boolean;
  readonly created_at: string;
  readonly user_ids: readonly string[];
  readonly events: readonly ChatEvent[];
  readonly properties: Properties;
  readonly access: Access;
  readonly previous_thread_id?: string;
  readonly next_thread_id?: string;
  readonly tags?: readonly string[];
  readonly queue?: Queue;
  readonly customer_visit?: Readonly<Record<string, unknown>>;
}
