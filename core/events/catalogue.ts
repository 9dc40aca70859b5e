import * as z from 'zod/mini';
import {
  author,
  conversationKey,
  formAnswer,
  id,
  metadata,
  normalizedMessage,
  participant,
  priority,
  queue,
  target,
  threadKey,
  time,
  visibility,
} from './schemas.ts';

/** The source of every event that this bridge emits. Send requests may come from any. */
export const eventSource = 'omnichannel.livechat';

/** As many as one send request may have. */
export const maxMessagesPerRequest = 10;

/**
 * Every domain event, by detail-type, with the schema of its `data`. Types, validation and the AsyncAPI document
 * all come from here.
 */
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
    /** Whether a request of this bridge started the thread. */
    causedByUs: z.boolean(),
    /** Who began it, where the carrier said: an agent may begin one, too. */
    by: z.optional(author),
    /** Whether the customer has chatted before. */
    returning: z.optional(z.boolean()),
    /** What the customer had said when it began; each event inside has an event of its own as well. */
    opening: z.optional(
      z.object({
        /** Of the form before the chat. */
        answers: z.array(formAnswer),
        /** The first text. */
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
  'chat.deactivated': z.object({ ...threadKey, by: z.optional(author) }),
  'chat.transferred': z.object({
    ...conversationKey,
    /** Left out where the carrier did not name any. */
    to: z.partial(target),
    reason: z.string(),
    by: z.optional(author),
    queue: z.optional(queue),
  }),
  'agent.changed': z.object({
    ...conversationKey,
    change: z.enum(['joined', 'left']),
    agent: participant,
    /** The agent whose place was taken. */
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
  /** Apart from `message.updated`, so that no rule on messages can leak a note. */
  'note.updated': normalizedMessage,
  'message.deleted': z.object({ ...threadKey, messageId: z.string() }),
  'message.delivered': z.object({
    ...threadKey,
    messageId: z.string(),
    /** The `custom_id` under which it was sent. */
    deliveryId: z.string(),
    /** The message as it came back; left out for a note. */
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
    /** Which fields did not fit, and what was expected. */
    issues: z.array(z.object({ path: z.string(), message: z.string() })),
    /** The body as it came, without the secret. */
    body: z.unknown(),
  }),
  /** Any service may send it; `metadata` may be left out. */
  'message.send.requested': z.object({
    /** The sender's own; the same one is sent once. */
    requestId: id,
    organizationId: id,
    conversationId: id,
    /** Sent in this order. What `content` holds for each type is in docs/sending.md. */
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
        /** Seconds from being put on the bus; 900 unless given. */
        expiresInSeconds: z.optional(z.int().check(z.minimum(1), z.maximum(86_400))),
      }),
    ),
  }),
  'message.sent': z.object({
    ...conversationKey,
    requestId: id,
    /** The `custom_id` under which it went. */
    deliveryId: id,
    /** Which part of the request, from 0; a long text is several. */
    part: z.number(),
    /** The carrier's id, where it is known already. */
    messageId: z.optional(z.string()),
  }),
  'message.failed': z.object({
    conversationId: id,
    requestId: id,
    deliveryIds: z.array(z.string()),
    /** The error's name, and what to do. */
    error: z.object({ name: z.string(), message: z.string() }),
    /** The dead letter by which it can be redriven. */
    deadLetterId: id,
    /** How often it was redriven before. */
    redrives: z.number(),
  }),
  /** What routing rules have decided of a thread, and what became of it. Values of facts are told only where they name nobody. */
  'conversation.routed': z.object({
    ...threadKey,
    /** As the thread began, or with the customer's first message. */
    phase: z.enum(['start', 'message']),
    decidedAt: time,
    /** 0 for the bridge's own default rules. */
    rulesVersion: z.number(),
    facts: z.array(
      z.object({
        fact: z.string(),
        known: z.enum(['yes', 'no', 'not yet']),
        values: z.optional(z.array(z.union([z.string(), z.number(), z.boolean()]))),
      }),
    ),
    /** In order. A rule that waits is decided by what the customer writes first. */
    evaluated: z.array(
      z.object({
        rule: z.string(),
        result: z.enum(['matched', 'not matched', 'waits']),
        /** The tests that decided it, by their path in the rule. */
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
    /** What was done, in order. `skipped`: something before it had made it moot. */
    actions: z.array(
      z.object({
        rule: z.string(),
        action: z.enum(['tag', 'priority', 'answer', 'note', 'transfer', 'hand back']),
        tag: z.optional(z.string()),
        priority: z.optional(priority),
        agent: z.optional(z.string()),
        group: z.optional(z.number()),
        outcome: z.enum(['done', 'not needed', 'failed', 'skipped']),
        /** The error's name, and what to do. */
        error: z.optional(z.object({ name: z.string(), message: z.string() })),
      }),
    ),
    /** Who has the chat by our doing. */
    assignedTo: z.optional(z.object({ agent: z.optional(z.string()), group: z.optional(z.number()) })),
    /** Why the chat stays with the carrier's own routing; absent if a rule assigned it. */
    unassignedReason: z.optional(
      z.enum(['no rule matched', 'no transfer action', 'no target accepted', 'no slot', 'chat closed', 'too late']),
    ),
    priority: z.optional(priority),
  }),
  /** A message's file lies in the media bucket. */
  'media.stored': z.object({
    ...threadKey,
    messageId: id,
    /** `agents`: the file of a note, which the customer must not see. */
    visibility,
    /** In the media bucket: `organization/conversation/message/name`. */
    key: id,
    /** Bytes. */
    size: z.number(),
    /** What its bytes are; it is served as this. */
    contentType: z.string(),
    /** What it was said to be. */
    declaredType: z.optional(z.string()),
    /** `other`: its bytes are not of the declared type. `unknown`: they tell nothing, as of text. */
    typeCheck: z.enum(['same', 'other', 'unknown']),
    /** Of its bytes, in hex. */
    sha256: z.string(),
  }),
  /** Anything that needs a human. */
  'alert.raised': z.object({
    severity: z.enum(['warning', 'critical']),
    title: z.string(),
    /** What to search by, by name. */
    ids: z.record(z.string(), z.string()),
  }),
} as const;

export type EventType = keyof typeof catalogue;
export type EventData<T extends EventType> = z.infer<(typeof catalogue)[T]>;

export function isEventType(name: string): name is EventType {
  return Object.hasOwn(catalogue, name);
}

/** The catalogue as an AsyncAPI 3.0 document: one channel, the bus, and one message an event. */
export function asyncApi(bus: string): object {
  const types = Object.entries(catalogue);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'LiveChat bridge',
      version: '1',
      description: `Domain events on the bus. \`source\` is ${eventSource}; a message's name is its \`detail-type\`, its payload the \`detail\`.`,
    },
    channels: {
      bus: {
        address: bus,
        messages: Object.fromEntries(types.map(([type]) => [type, { $ref: `#/components/messages/${type}` }])),
      },
    },
    operations: { emit: { action: 'send', channel: { $ref: '#/channels/bus' } } },
    components: {
      messages: Object.fromEntries(
        types.map(([type, data]) => [type, { name: type, payload: z.toJSONSchema(z.object({ metadata, data })) }]),
      ),
    },
  };
}
