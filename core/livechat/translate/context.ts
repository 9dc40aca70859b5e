import type { EventData, EventType } from '../../events/catalogue.ts';
import type { AnyEvent, DomainEvent } from '../../events/event.ts';
import { contentHash, deriveId } from '../../events/ids.ts';

/** Within this time the same body is taken for the same thing happening; LiveChat's retries end within about a minute. */
const repetitionWindowMs = 300_000;

/** A verified webhook of a known action, secret removed. */
export interface Webhook {
  readonly organizationId: string;
  readonly action: string;
  readonly payload: unknown;
  /** ISO 8601, milliseconds. */
  readonly receivedAt: string;
}

/** Who this bridge is at LiveChat, to tell what it caused itself. */
export interface Self {
  readonly clientId?: string | undefined;
  readonly agentId?: string | undefined;
}

interface Happening {
  readonly occurredAt?: string;
  readonly part?: string;
}

/** What every translation needs: where the webhook belongs, and how to make an event of it. */
export class Translation {
  readonly webhook: Webhook;
  readonly self: Self;
  readonly #hash: string;

  constructor(webhook: Webhook, self: Self) {
    this.webhook = webhook;
    this.self = self;
    this.#hash = contentHash(webhook.payload);
  }

  get organizationId(): string {
    return this.webhook.organizationId;
  }

  /** An event that its own ids identify. */
  event<T extends EventType>(
    type: T,
    data: EventData<T>,
    identity: readonly string[],
    occurredAt?: string,
  ): DomainEvent<T> {
    const { organizationId, receivedAt, action } = this.webhook;
    return {
      type,
      metadata: {
        id: deriveId(type, organizationId, ...identity),
        version: '1',
        correlationId: deriveId(organizationId, action, this.#hash),
        organizationId,
        carrier: 'livechat',
        occurredAt: occurredAt ?? receivedAt,
        receivedAt,
      },
      data,
    };
  }

  /**
   * An event that carries neither id nor time, such as a transfer or a click, which can truly happen twice: identified
   * by its content and the interval in which it was received. `part` tells apart several of one webhook.
   */
  happening<T extends EventType>(
    type: T,
    data: EventData<T>,
    { occurredAt, part = '' }: Happening = {},
  ): DomainEvent<T> {
    const interval = Math.floor(Date.parse(this.webhook.receivedAt) / repetitionWindowMs);
    return this.event(type, data, [this.webhook.action, this.#hash, String(interval), part], occurredAt);
  }
}

export type Translate<Payload> = (payload: Payload, translation: Translation) => AnyEvent[];
