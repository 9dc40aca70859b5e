import * as z from 'zod/mini';
import {
  author,
  carrier,
  conversationKey,
  formAnswer,
  id,
  isOfCarrier,
  normalizedMessage,
  participant,
  priority,
  queue,
  target,
  threadKey,
  time,
  visibility,
} from './schemas.ts';

const maxMessagesPerRequest = 10;

/** The schema of the `data` of every domain event, by detail-type: the source of types, validation and the AsyncAPI document. */
export const catalogue = {
  'chat.started': z.object({
    ...threadKey,
    reason: z.enum(['new', 'reopened', 'transferred']),
    createdAt: time,
    /** False for a thread that was appended to an inactive chat. */
    active: z.boolean(),
    previousThreadId: z.optional(z.string()),
    participants: z.array(participant),
    groups: z.array(z.number()),
    sourcePage: z.optional(z.string()),
    queue: z.optional(queue),
    tags: z.array(z.string()),
    transferredFrom: z.optional(target),
    /** Whether a send request of this bridge started the thread. */
    causedByUs: z.boolean(),
    /** The user who started the thread, customer or agent, if the carrier names one. */
    by: z.optional(author),
    /** Whether the customer has had a chat before. */
    returning: z.optional(z.boolean()),
    /** What the customer wrote before the thread started. Each message is also published as an event. */
    opening: z.optional(
      z.object({
        /** Answers to the pre-chat form. */
        answers: z.array(formAnswer),
        /** The first text message. */
        text: z.optional(z.string()),
      }),
    ),
  }),
  'chat.updated': z.object({
    ...conversationKey,
    groups: z.optional(z.array(z.number())),
    tag: z.optional(z.string()),
    untag: z.optional(z.string()),
  }),
  /**
   * The state of a thread as the carrier lists it. Reconciliation publishes it if the stored projection differs. It replaces
   * what events received before `observedAt` have set; later events apply on top.
   */
  'chat.observed': z.object({
    ...threadKey,
    observedAt: time,
    /** False closes the thread. True does not reopen it: a closed thread stays closed. */
    active: z.boolean(),
    /** Every user of the chat. */
    participants: z.array(participant),
    /** `agents` is omitted if the carrier does not list who is assigned: then the assigned agents stay. */
    access: z.object({ groups: z.array(z.number()), agents: z.optional(z.array(z.string())) }),
    queue: z.optional(queue),
    tags: z.array(z.string()),
    /** How far users have read. */
    seenUpTo: z.array(z.object({ userId: id, at: time })),
    /** The time of the latest message, if it is later than that of every message that can be restored: a deleted one. */
    lastMessageAt: z.optional(time),
  }),
  'chat.deactivated': z.object({ ...threadKey, by: z.optional(author) }),
  'chat.transferred': z.object({
    ...conversationKey,
    /** Empty if the carrier names no target. */
    to: z.partial(target),
    reason: z.string(),
    by: z.optional(author),
    queue: z.optional(queue),
  }),
  'agent.changed': z.object({
    ...conversationKey,
    change: z.enum(['joined', 'left']),
    agent: participant,
    /** The agent who was replaced. */
    replaces: z.optional(z.string()),
    reason: z.optional(z.string()),
    by: z.optional(author),
  }),
  'participant.changed': z.object({
    ...conversationKey,
    change: z.enum(['joined', 'left', 'fields']),
    participant,
    by: z.optional(author),
  }),
  'message.received': normalizedMessage,
  'note.received': normalizedMessage,
  'message.updated': normalizedMessage,
  /** Separate from `message.updated`, so that a rule for messages cannot leak a note. */
  'note.updated': normalizedMessage,
  'message.deleted': z.object({
    ...threadKey,
    messageId: z.string(),
    /** What is known of the message apart from its content. Omitted if the carrier names only its id. */
    header: z.optional(
      z.object({
        direction: normalizedMessage.shape.direction,
        type: normalizedMessage.shape.type,
        timestamp: time,
        author,
        visibility,
      }),
    ),
  }),
  'message.delivered': z.object({
    ...threadKey,
    messageId: z.string(),
    /** The `custom_id` of the sent event. */
    deliveryId: z.string(),
    /** The message as LiveChat delivered it. Omitted for a note. */
    message: z.optional(normalizedMessage),
  }),
  'message.seen': z.object({ ...conversationKey, by: author, seenUpTo: time }),
  'postback.received': z.object({
    ...threadKey,
    messageId: z.string(),
    button: z.object({
      id: z.string(),
      toggled: z.boolean(),
      type: z.optional(z.string()),
      value: z.optional(z.string()),
    }),
    user: author,
  }),
  'webhook.rejected': z.object({
    action: z.optional(z.string()),
    /** The invalid fields, with what was expected. */
    issues: z.array(z.object({ path: z.string(), message: z.string() })),
    /** The invalid part without the secret: the payload, one event of a chat, or the whole body if the envelope is invalid. */
    body: z.unknown(),
  }),
  /** Published by any service. `metadata` is optional. */
  'message.send.requested': z
    .object({
      /** Chosen by the sender. Requests with the same id are sent once. */
      requestId: id,
      /** Default: livechat. */
      carrier: z.optional(carrier),
      /** As in the events. */
      organizationId: id,
      conversationId: id,
      /**
       * When the sender published the request, ms since 1970. Requests that wait in one conversation are sent in this order
       * if it is at most 5 s before the receipt.
       */
      sentAt: z.optional(z.int().check(z.minimum(0))),
      /** Sent in this order. docs/reference/send-request.md describes the `content` of each type. */
      messages: z
        .array(
          z.looseObject({
            type: z.enum(['text', 'media', 'interactive']),
            content: z.unknown(),
            visibility: z.optional(visibility),
            metadata: z.optional(z.record(z.string(), z.unknown())),
          }),
        )
        .check(z.minLength(1), z.maxLength(maxMessagesPerRequest)),
      options: z.optional(
        z.object({
          onInactive: z.optional(z.enum(['resume', 'append', 'fail'])),
          onAbsent: z.optional(z.enum(['join', 'transfer'])),
          /** Seconds from publication on the bus. Default: 900. */
          expiresInSeconds: z.optional(z.int().check(z.minimum(1), z.maximum(86_400))),
        }),
      ),
    })
    .check(isOfCarrier),
  'message.sent': z.object({
    ...conversationKey,
    requestId: id,
    /** The `custom_id` of the sent event. */
    deliveryId: id,
    /** The part of the request, from 0. A long text has several parts. */
    part: z.number(),
    /** The number of parts of the request. The request is completely sent when each part has an event. */
    parts: z.number(),
    /** The carrier's id, if already known. */
    messageId: z.optional(z.string()),
  }),
  'message.failed': z.object({
    conversationId: id,
    requestId: id,
    deliveryIds: z.array(z.string()),
    /** The name of the error, and a message that says what to do. */
    error: z.object({ name: z.string(), message: z.string() }),
    /** The dead letter to redrive. */
    deadLetterId: id,
    /** The number of previous redrives. */
    redrives: z.number(),
  }),
  /** The routing decision for a thread and its outcome. Values of facts are included only if they identify nobody. */
  'conversation.routed': z.object({
    ...threadKey,
    /** At the start of the thread, or at the first message of the customer. */
    phase: z.enum(['start', 'message']),
    decidedAt: time,
    /** 0: the default rules of the bridge. */
    rulesVersion: z.number(),
    facts: z.array(
      z.object({
        fact: z.string(),
        known: z.enum(['yes', 'no', 'not yet']),
        values: z.optional(z.array(z.union([z.string(), z.number(), z.boolean()]))),
      }),
    ),
    /** In order. A rule that waits is evaluated again at the first message of the customer. */
    evaluated: z.array(
      z.object({
        rule: z.string(),
        result: z.enum(['matched', 'not matched', 'waits']),
        /** The conditions that determined the result, by their path in the rule. */
        reasons: z.array(
          z.object({
            path: z.string(),
            fact: z.string(),
            operator: z.string(),
            result: z.union([z.boolean(), z.literal('unknown')]),
          }),
        ),
      }),
    ),
    /** The actions, in order. `skipped`: made unnecessary by an earlier action. */
    actions: z.array(
      z.object({
        rule: z.string(),
        action: z.enum(['tag', 'priority', 'answer', 'note', 'transfer', 'hand back']),
        tag: z.optional(z.string()),
        priority: z.optional(priority),
        agent: z.optional(z.string()),
        group: z.optional(z.number()),
        outcome: z.enum(['done', 'not needed', 'failed', 'skipped']),
        /** The name of the error, and a message that says what to do. */
        error: z.optional(z.object({ name: z.string(), message: z.string() })),
      }),
    ),
    /** The agent or group to which this decision assigned the chat. */
    assignedTo: z.optional(z.object({ agent: z.optional(z.string()), group: z.optional(z.number()) })),
    /**
     * Why this decision assigned the chat to nobody, so that the carrier's own routing applies. `already assigned`: the
     * decision at the start of the thread assigned it.
     */
    unassignedReason: z.optional(
      z.enum([
        'already assigned',
        'no rule matched',
        'no transfer action',
        'no target accepted',
        'no slot',
        'chat closed',
        'too late',
      ]),
    ),
    priority: z.optional(priority),
  }),
  /** A text of a customer was stored, and rules of the organization wait for the first one of a thread. */
  'routing.requested': z.object({ ...threadKey, messageId: id, at: time }),
  /** A file of a message was stored in the media bucket. */
  'media.stored': z.object({
    ...threadKey,
    messageId: id,
    /** `agents`: the file of a note. Customers must not see it. */
    visibility,
    /** The object key: `organization/conversation/message/name`. */
    key: id,
    /** Bytes. */
    size: z.number(),
    /** The detected type, which the file is served as. */
    contentType: z.string(),
    /** The type that the carrier declared. */
    declaredType: z.optional(z.string()),
    /** Whether the content is of the declared type. `unknown`: the type has no signature, such as text. */
    typeCheck: z.enum(['match', 'mismatch', 'unknown']),
    /** Of the content, in hex. */
    sha256: z.string(),
  }),
  /** Starts a reconciliation of the organization in the metadata. */
  'reconciliation.requested': z.object({
    /** `schedule`: the regular run. `recovery`: webhooks have stopped failing. */
    reason: z.enum(['schedule', 'recovery']),
  }),
  /** A problem that an operator must resolve. */
  'alert.raised': z.object({
    severity: z.enum(['warning', 'critical']),
    title: z.string(),
    /** Ids to search for, by name. */
    ids: z.record(z.string(), z.string()),
  }),
} as const;

export type EventType = keyof typeof catalogue;
export type EventData<T extends EventType> = z.infer<(typeof catalogue)[T]>;
