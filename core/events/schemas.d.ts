import * as z from 'zod/mini';
/** The subset of RFC 3339 that LiveChat and this bridge write. */
export declare const rfc3339: RegExp;
/**
 * The same instant in UTC with exactly six decimals, so that times sort as strings. Truncates to microseconds. The input must
 * match {@link rfc3339}.
 */
export declare function toUtcMicroseconds(time: string): string;
/** Whether a string is a valid RFC 3339 time. `Date` alone would accept 30 February as 2 March. */
export declare function isRfc3339(text: string): boolean;
export declare const id: z.ZodMiniString<string>;
export declare const time: z.ZodMiniString<string>;
export declare const userType: z.ZodMiniEnum<{
    agent: "agent";
    bot: "bot";
    customer: "customer";
    system: "system";
    unknown: "unknown";
}>;
export type UserType = z.infer<typeof userType>;
export declare const author: z.ZodMiniObject<{
    id: z.ZodMiniString<string>;
    type: z.ZodMiniEnum<{
        agent: "agent";
        bot: "bot";
        customer: "customer";
        system: "system";
        unknown: "unknown";
    }>;
}, z.core.$strip>;
/** A user of a chat. `present` is omitted if the carrier does not report it. */
export declare const participant: z.ZodMiniObject<{
    id: z.ZodMiniString<string>;
    type: z.ZodMiniEnum<{
        agent: "agent";
        bot: "bot";
        customer: "customer";
        system: "system";
        unknown: "unknown";
    }>;
    name: z.ZodMiniOptional<z.ZodMiniString<string>>;
    email: z.ZodMiniOptional<z.ZodMiniString<string>>;
    present: z.ZodMiniOptional<z.ZodMiniBoolean<boolean>>;
    hidden: z.ZodMiniOptional<z.ZodMiniBoolean<boolean>>;
    misleadingId: z.ZodMiniOptional<z.ZodMiniLiteral<true>>;
    fields: z.ZodMiniOptional<z.ZodMiniRecord<z.ZodMiniString<string>, z.ZodMiniString<string>>>;
    country: z.ZodMiniOptional<z.ZodMiniString<string>>;
}, z.core.$strip>;
export type Participant = z.infer<typeof participant>;
export declare const queue: z.ZodMiniObject<{
    position: z.ZodMiniOptional<z.ZodMiniNumber<number>>;
    waitTime: z.ZodMiniOptional<z.ZodMiniNumber<number>>;
    queuedAt: z.ZodMiniOptional<z.ZodMiniString<string>>;
}, z.core.$strip>;
/** One answer of a form. A multiple-choice answer has several values. */
export declare const formAnswer: z.ZodMiniObject<{
    id: z.ZodMiniString<string>;
    label: z.ZodMiniString<string>;
    values: z.ZodMiniArray<z.ZodMiniString<string>>;
}, z.core.$strip>;
export type FormAnswer = z.infer<typeof formAnswer>;
export declare const target: z.ZodMiniObject<{
    agents: z.ZodMiniArray<z.ZodMiniString<string>>;
    groups: z.ZodMiniArray<z.ZodMiniNumber<number>>;
}, z.core.$strip>;
/** In ascending order. */
export declare const priorities: readonly ['low', 'normal', 'high', 'urgent'];
export declare const priority: z.ZodMiniEnum<{
    high: "high";
    low: "low";
    normal: "normal";
    urgent: "urgent";
}>;
export type Priority = z.infer<typeof priority>;
export declare const messageType: z.ZodMiniEnum<{
    custom: "custom";
    form: "form";
    interactive: "interactive";
    media: "media";
    system: "system";
    text: "text";
    unknown: "unknown";
}>;
export declare const visibility: z.ZodMiniEnum<{
    agents: "agents";
    all: "all";
}>;
/** A message in a format common to all carriers. `rawPayload` is the carrier's original event without secrets. */
export declare const normalizedMessage: z.ZodMiniObject<{
    id: z.ZodMiniString<string>;
    organizationId: z.ZodMiniString<string>;
    conversationId: z.ZodMiniString<string>;
    threadId: z.ZodMiniString<string>;
    carrier: z.ZodMiniLiteral<"livechat">;
    direction: z.ZodMiniEnum<{
        inbound: "inbound";
        outbound: "outbound";
    }>;
    type: z.ZodMiniEnum<{
        custom: "custom";
        form: "form";
        interactive: "interactive";
        media: "media";
        system: "system";
        text: "text";
        unknown: "unknown";
    }>;
    content: z.ZodMiniUnknown;
    timestamp: z.ZodMiniString<string>;
    author: z.ZodMiniObject<{
        id: z.ZodMiniString<string>;
        type: z.ZodMiniEnum<{
            agent: "agent";
            bot: "bot";
            customer: "customer";
            system: "system";
            unknown: "unknown";
        }>;
    }, z.core.$strip>;
    visibility: z.ZodMiniEnum<{
        agents: "agents";
        all: "all";
    }>;
    metadata: z.ZodMiniRecord<z.ZodMiniString<string>, z.ZodMiniUnknown>;
    rawPayload: z.ZodMiniUnknown;
    exact: z.ZodMiniOptional<z.ZodMiniObject<{
        content: z.ZodMiniString<string>;
        rawPayload: z.ZodMiniString<string>;
    }, z.core.$strip>>;
}, z.core.$strip>;
export type NormalizedMessage = z.infer<typeof normalizedMessage>;
/** `threadId` is omitted if the carrier names no thread. */
export declare const conversationKey: {
    conversationId: z.ZodMiniString<string>;
    threadId: z.ZodMiniOptional<z.ZodMiniString<string>>;
};
export declare const threadKey: {
    conversationId: z.ZodMiniString<string>;
    threadId: z.ZodMiniString<string>;
};
export declare const metadata: z.ZodMiniObject<{
    id: z.ZodMiniString<string>;
    version: z.ZodMiniString<string>;
    correlationId: z.ZodMiniString<string>;
    causationId: z.ZodMiniOptional<z.ZodMiniString<string>>;
    organizationId: z.ZodMiniString<string>;
    carrier: z.ZodMiniLiteral<"livechat">;
    occurredAt: z.ZodMiniString<string>;
    receivedAt: z.ZodMiniString<string>;
    recovered: z.ZodMiniOptional<z.ZodMiniLiteral<true>>;
}, z.core.$strip>;
export type EventMetadata = z.infer<typeof metadata>;
/** The metadata of a send request, which any service publishes: the event that caused it. */
export declare const requestMetadata: z.ZodMiniObject<{
    id: z.ZodMiniOptional<z.ZodMiniString<string>>;
    correlationId: z.ZodMiniOptional<z.ZodMiniString<string>>;
}, z.core.$loose>;
/** Messages of agents and bots are outbound, all others inbound. */
export declare function messageDirection(author: UserType): NormalizedMessage['direction'];
