import * as z from 'zod/mini';
/** The `source` of every event that this bridge emits. Send requests may have any source. */
export declare const eventSource = "omnichannel.livechat";
export declare const maxMessagesPerRequest = 10;
/** The schema of the `data` of every domain event, by detail-type: the source of types, validation and the AsyncAPI document. */
export declare const catalogue: {
    readonly 'chat.started': z.ZodMiniObject<{
        conversationId: z.ZodMiniString<string>;
        threadId: z.ZodMiniString<string>;
        reason: z.ZodMiniEnum<{
            new: "new";
            reopened: "reopened";
            transferred: "transferred";
        }>;
        createdAt: z.ZodMiniString<string>;
        active: z.ZodMiniBoolean<boolean>;
        previousThreadId: z.ZodMiniOptional<z.ZodMiniString<string>>;
        participants: z.ZodMiniArray<z.ZodMiniObject<{
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
        }, z.core.$strip>>;
        groups: z.ZodMiniArray<z.ZodMiniNumber<number>>;
        sourcePage: z.ZodMiniOptional<z.ZodMiniString<string>>;
        queue: z.ZodMiniOptional<z.ZodMiniObject<{
            position: z.ZodMiniOptional<z.ZodMiniNumber<number>>;
            waitTime: z.ZodMiniOptional<z.ZodMiniNumber<number>>;
            queuedAt: z.ZodMiniOptional<z.ZodMiniString<string>>;
        }, z.core.$strip>>;
        tags: z.ZodMiniArray<z.ZodMiniString<string>>;
        transferredFrom: z.ZodMiniOptional<z.ZodMiniObject<{
            agents: z.ZodMiniArray<z.ZodMiniString<string>>;
            groups: z.ZodMiniArray<z.ZodMiniNumber<number>>;
        }, z.core.$strip>>;
        causedByUs: z.ZodMiniBoolean<boolean>;
        by: z.ZodMiniOptional<z.ZodMiniObject<{
            id: z.ZodMiniString<string>;
            type: z.ZodMiniEnum<{
                agent: "agent";
                bot: "bot";
                customer: "customer";
                system: "system";
                unknown: "unknown";
            }>;
        }, z.core.$strip>>;
        returning: z.ZodMiniOptional<z.ZodMiniBoolean<boolean>>;
        opening: z.ZodMiniOptional<z.ZodMiniObject<{
            answers: z.ZodMiniArray<z.ZodMiniObject<{
                id: z.ZodMiniString<string>;
                label: z.ZodMiniString<string>;
                values: z.ZodMiniArray<z.ZodMiniString<string>>;
            }, z.core.$strip>>;
            text: z.ZodMiniOptional<z.ZodMiniString<string>>;
        }, z.core.$strip>>;
    }, z.core.$strip>;
    readonly 'chat.updated': z.ZodMiniObject<{
        conversationId: z.ZodMiniString<string>;
        threadId: z.ZodMiniOptional<z.ZodMiniString<string>>;
        groups: z.ZodMiniOptional<z.ZodMiniArray<z.ZodMiniNumber<number>>>;
        tag: z.ZodMiniOptional<z.ZodMiniString<string>>;
        untag: z.ZodMiniOptional<z.ZodMiniString<string>>;
    }, z.core.$strip>;
    /**
     * The state of a thread as the carrier lists it. Reconciliation publishes it if the stored projection differs. It replaces
     * what events received before `observedAt` have set; later events apply on top.
     */
    readonly 'chat.observed': z.ZodMiniObject<{
        conversationId: z.ZodMiniString<string>;
        threadId: z.ZodMiniString<string>;
        observedAt: z.ZodMiniString<string>;
        active: z.ZodMiniBoolean<boolean>;
        participants: z.ZodMiniArray<z.ZodMiniObject<{
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
        }, z.core.$strip>>;
        access: z.ZodMiniObject<{
            groups: z.ZodMiniArray<z.ZodMiniNumber<number>>;
            agents: z.ZodMiniOptional<z.ZodMiniArray<z.ZodMiniString<string>>>;
        }, z.core.$strip>;
        queue: z.ZodMiniOptional<z.ZodMiniObject<{
            position: z.ZodMiniOptional<z.ZodMiniNumber<number>>;
            waitTime: z.ZodMiniOptional<z.ZodMiniNumber<number>>;
            queuedAt: z.ZodMiniOptional<z.ZodMiniString<string>>;
        }, z.core.$strip>>;
        tags: z.ZodMiniArray<z.ZodMiniString<string>>;
        seenUpTo: z.ZodMiniArray<z.ZodMiniObject<{
            userId: z.ZodMiniString<string>;
            at: z.ZodMiniString<string>;
        }, z.core.$strip>>;
        lastMessageAt: z.ZodMiniOptional<z.ZodMiniString<string>>;
    }, z.core.$strip>;
    readonly 'chat.deactivated': z.ZodMiniObject<{
        conversationId: z.ZodMiniString<string>;
        threadId: z.ZodMiniString<string>;
        by: z.ZodMiniOptional<z.ZodMiniObject<{
            id: z.ZodMiniString<string>;
            type: z.ZodMiniEnum<{
                agent: "agent";
                bot: "bot";
                customer: "customer";
                system: "system";
                unknown: "unknown";
            }>;
        }, z.core.$strip>>;
    }, z.core.$strip>;
    readonly 'chat.transferred': z.ZodMiniObject<{
        conversationId: z.ZodMiniString<string>;
        threadId: z.ZodMiniOptional<z.ZodMiniString<string>>;
        to: z.ZodMiniObject<{
            agents: z.ZodMiniOptional<z.ZodMiniArray<z.ZodMiniString<string>>>;
            groups: z.ZodMiniOptional<z.ZodMiniArray<z.ZodMiniNumber<number>>>;
        }, z.core.$strip>;
        reason: z.ZodMiniString<string>;
        by: z.ZodMiniOptional<z.ZodMiniObject<{
            id: z.ZodMiniString<string>;
            type: z.ZodMiniEnum<{
                agent: "agent";
                bot: "bot";
                customer: "customer";
                system: "system";
                unknown: "unknown";
            }>;
        }, z.core.$strip>>;
        queue: z.ZodMiniOptional<z.ZodMiniObject<{
            position: z.ZodMiniOptional<z.ZodMiniNumber<number>>;
            waitTime: z.ZodMiniOptional<z.ZodMiniNumber<number>>;
            queuedAt: z.ZodMiniOptional<z.ZodMiniString<string>>;
        }, z.core.$strip>>;
    }, z.core.$strip>;
    readonly 'agent.changed': z.ZodMiniObject<{
        conversationId: z.ZodMiniString<string>;
        threadId: z.ZodMiniOptional<z.ZodMiniString<string>>;
        change: z.ZodMiniEnum<{
            joined: "joined";
            left: "left";
        }>;
        agent: z.ZodMiniObject<{
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
        replaces: z.ZodMiniOptional<z.ZodMiniString<string>>;
        reason: z.ZodMiniOptional<z.ZodMiniString<string>>;
        by: z.ZodMiniOptional<z.ZodMiniObject<{
            id: z.ZodMiniString<string>;
            type: z.ZodMiniEnum<{
                agent: "agent";
                bot: "bot";
                customer: "customer";
                system: "system";
                unknown: "unknown";
            }>;
        }, z.core.$strip>>;
    }, z.core.$strip>;
    readonly 'participant.changed': z.ZodMiniObject<{
        conversationId: z.ZodMiniString<string>;
        threadId: z.ZodMiniOptional<z.ZodMiniString<string>>;
        change: z.ZodMiniEnum<{
            fields: "fields";
            joined: "joined";
            left: "left";
        }>;
        participant: z.ZodMiniObject<{
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
        by: z.ZodMiniOptional<z.ZodMiniObject<{
            id: z.ZodMiniString<string>;
            type: z.ZodMiniEnum<{
                agent: "agent";
                bot: "bot";
                customer: "customer";
                system: "system";
                unknown: "unknown";
            }>;
        }, z.core.$strip>>;
    }, z.core.$strip>;
    readonly 'message.received': z.ZodMiniObject<{
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
    readonly 'note.received': z.ZodMiniObject<{
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
    readonly 'message.updated': z.ZodMiniObject<{
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
    /** Separate from `message.updated`, so that a rule for messages cannot leak a note. */
    readonly 'note.updated': z.ZodMiniObject<{
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
    readonly 'message.deleted': z.ZodMiniObject<{
        conversationId: z.ZodMiniString<string>;
        threadId: z.ZodMiniString<string>;
        messageId: z.ZodMiniString<string>;
        header: z.ZodMiniOptional<z.ZodMiniObject<{
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
        }, z.core.$strip>>;
    }, z.core.$strip>;
    readonly 'message.delivered': z.ZodMiniObject<{
        conversationId: z.ZodMiniString<string>;
        threadId: z.ZodMiniString<string>;
        messageId: z.ZodMiniString<string>;
        deliveryId: z.ZodMiniString<string>;
        message: z.ZodMiniOptional<z.ZodMiniObject<{
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
        }, z.core.$strip>>;
    }, z.core.$strip>;
    readonly 'message.seen': z.ZodMiniObject<{
        conversationId: z.ZodMiniString<string>;
        threadId: z.ZodMiniOptional<z.ZodMiniString<string>>;
        by: z.ZodMiniObject<{
            id: z.ZodMiniString<string>;
            type: z.ZodMiniEnum<{
                agent: "agent";
                bot: "bot";
                customer: "customer";
                system: "system";
                unknown: "unknown";
            }>;
        }, z.core.$strip>;
        seenUpTo: z.ZodMiniString<string>;
    }, z.core.$strip>;
    readonly 'postback.received': z.ZodMiniObject<{
        conversationId: z.ZodMiniString<string>;
        threadId: z.ZodMiniString<string>;
        messageId: z.ZodMiniString<string>;
        button: z.ZodMiniObject<{
            id: z.ZodMiniString<string>;
            toggled: z.ZodMiniBoolean<boolean>;
            type: z.ZodMiniOptional<z.ZodMiniString<string>>;
            value: z.ZodMiniOptional<z.ZodMiniString<string>>;
        }, z.core.$strip>;
        user: z.ZodMiniObject<{
            id: z.ZodMiniString<string>;
            type: z.ZodMiniEnum<{
                agent: "agent";
                bot: "bot";
                customer: "customer";
                system: "system";
                unknown: "unknown";
            }>;
        }, z.core.$strip>;
    }, z.core.$strip>;
    readonly 'webhook.rejected': z.ZodMiniObject<{
        action: z.ZodMiniOptional<z.ZodMiniString<string>>;
        issues: z.ZodMiniArray<z.ZodMiniObject<{
            path: z.ZodMiniString<string>;
            message: z.ZodMiniString<string>;
        }, z.core.$strip>>;
        body: z.ZodMiniUnknown;
    }, z.core.$strip>;
    /** Published by any service. `metadata` is optional. */
    readonly 'message.send.requested': z.ZodMiniObject<{
        requestId: z.ZodMiniString<string>;
        organizationId: z.ZodMiniString<string>;
        conversationId: z.ZodMiniString<string>;
        sentAt: z.ZodMiniOptional<z.ZodMiniInt>;
        messages: z.ZodMiniArray<z.ZodMiniObject<{
            type: z.ZodMiniEnum<{
                interactive: "interactive";
                media: "media";
                text: "text";
            }>;
            content: z.ZodMiniUnknown;
            visibility: z.ZodMiniOptional<z.ZodMiniEnum<{
                agents: "agents";
                all: "all";
            }>>;
            metadata: z.ZodMiniOptional<z.ZodMiniRecord<z.ZodMiniString<string>, z.ZodMiniUnknown>>;
        }, z.core.$loose>>;
        options: z.ZodMiniOptional<z.ZodMiniObject<{
            onInactive: z.ZodMiniOptional<z.ZodMiniEnum<{
                append: "append";
                fail: "fail";
                resume: "resume";
            }>>;
            onAbsent: z.ZodMiniOptional<z.ZodMiniEnum<{
                join: "join";
                transfer: "transfer";
            }>>;
            expiresInSeconds: z.ZodMiniOptional<z.ZodMiniInt>;
        }, z.core.$strip>>;
    }, z.core.$strip>;
    readonly 'message.sent': z.ZodMiniObject<{
        conversationId: z.ZodMiniString<string>;
        threadId: z.ZodMiniOptional<z.ZodMiniString<string>>;
        requestId: z.ZodMiniString<string>;
        deliveryId: z.ZodMiniString<string>;
        part: z.ZodMiniNumber<number>;
        messageId: z.ZodMiniOptional<z.ZodMiniString<string>>;
    }, z.core.$strip>;
    readonly 'message.failed': z.ZodMiniObject<{
        conversationId: z.ZodMiniString<string>;
        requestId: z.ZodMiniString<string>;
        deliveryIds: z.ZodMiniArray<z.ZodMiniString<string>>;
        error: z.ZodMiniObject<{
            name: z.ZodMiniString<string>;
            message: z.ZodMiniString<string>;
        }, z.core.$strip>;
        deadLetterId: z.ZodMiniString<string>;
        redrives: z.ZodMiniNumber<number>;
    }, z.core.$strip>;
    /** The routing decision for a thread and its outcome. Values of facts are included only if they identify nobody. */
    readonly 'conversation.routed': z.ZodMiniObject<{
        conversationId: z.ZodMiniString<string>;
        threadId: z.ZodMiniString<string>;
        phase: z.ZodMiniEnum<{
            message: "message";
            start: "start";
        }>;
        decidedAt: z.ZodMiniString<string>;
        rulesVersion: z.ZodMiniNumber<number>;
        facts: z.ZodMiniArray<z.ZodMiniObject<{
            fact: z.ZodMiniString<string>;
            known: z.ZodMiniEnum<{
                no: "no";
                "not yet": "not yet";
                yes: "yes";
            }>;
            values: z.ZodMiniOptional<z.ZodMiniArray<z.ZodMiniUnion<readonly [z.ZodMiniString<string>, z.ZodMiniNumber<number>, z.ZodMiniBoolean<boolean>]>>>;
        }, z.core.$strip>>;
        evaluated: z.ZodMiniArray<z.ZodMiniObject<{
            rule: z.ZodMiniString<string>;
            result: z.ZodMiniEnum<{
                matched: "matched";
                "not matched": "not matched";
                waits: "waits";
            }>;
            reasons: z.ZodMiniArray<z.ZodMiniObject<{
                path: z.ZodMiniString<string>;
                fact: z.ZodMiniString<string>;
                operator: z.ZodMiniString<string>;
                result: z.ZodMiniUnion<readonly [z.ZodMiniBoolean<boolean>, z.ZodMiniLiteral<"unknown">]>;
            }, z.core.$strip>>;
        }, z.core.$strip>>;
        actions: z.ZodMiniArray<z.ZodMiniObject<{
            rule: z.ZodMiniString<string>;
            action: z.ZodMiniEnum<{
                answer: "answer";
                "hand back": "hand back";
                note: "note";
                priority: "priority";
                tag: "tag";
                transfer: "transfer";
            }>;
            tag: z.ZodMiniOptional<z.ZodMiniString<string>>;
            priority: z.ZodMiniOptional<z.ZodMiniEnum<{
                high: "high";
                low: "low";
                normal: "normal";
                urgent: "urgent";
            }>>;
            agent: z.ZodMiniOptional<z.ZodMiniString<string>>;
            group: z.ZodMiniOptional<z.ZodMiniNumber<number>>;
            outcome: z.ZodMiniEnum<{
                done: "done";
                failed: "failed";
                "not needed": "not needed";
                skipped: "skipped";
            }>;
            error: z.ZodMiniOptional<z.ZodMiniObject<{
                name: z.ZodMiniString<string>;
                message: z.ZodMiniString<string>;
            }, z.core.$strip>>;
        }, z.core.$strip>>;
        assignedTo: z.ZodMiniOptional<z.ZodMiniObject<{
            agent: z.ZodMiniOptional<z.ZodMiniString<string>>;
            group: z.ZodMiniOptional<z.ZodMiniNumber<number>>;
        }, z.core.$strip>>;
        unassignedReason: z.ZodMiniOptional<z.ZodMiniEnum<{
            "already assigned": "already assigned";
            "chat closed": "chat closed";
            "no rule matched": "no rule matched";
            "no slot": "no slot";
            "no target accepted": "no target accepted";
            "no transfer action": "no transfer action";
            "too late": "too late";
        }>>;
        priority: z.ZodMiniOptional<z.ZodMiniEnum<{
            high: "high";
            low: "low";
            normal: "normal";
            urgent: "urgent";
        }>>;
    }, z.core.$strip>;
    /** A text of a customer was stored, and rules of the organization wait for the first one of a thread. */
    readonly 'routing.requested': z.ZodMiniObject<{
        conversationId: z.ZodMiniString<string>;
        threadId: z.ZodMiniString<string>;
        messageId: z.ZodMiniString<string>;
        at: z.ZodMiniString<string>;
    }, z.core.$strip>;
    /** A file of a message was stored in the media bucket. */
    readonly 'media.stored': z.ZodMiniObject<{
        conversationId: z.ZodMiniString<string>;
        threadId: z.ZodMiniString<string>;
        messageId: z.ZodMiniString<string>;
        visibility: z.ZodMiniEnum<{
            agents: "agents";
            all: "all";
        }>;
        key: z.ZodMiniString<string>;
        size: z.ZodMiniNumber<number>;
        contentType: z.ZodMiniString<string>;
        declaredType: z.ZodMiniOptional<z.ZodMiniString<string>>;
        typeCheck: z.ZodMiniEnum<{
            match: "match";
            mismatch: "mismatch";
            unknown: "unknown";
        }>;
        sha256: z.ZodMiniString<string>;
    }, z.core.$strip>;
    /** Starts a reconciliation of the organization in the metadata. */
    readonly 'reconciliation.requested': z.ZodMiniObject<{
        reason: z.ZodMiniEnum<{
            recovery: "recovery";
            schedule: "schedule";
        }>;
    }, z.core.$strip>;
    /** A problem that an operator must resolve. */
    readonly 'alert.raised': z.ZodMiniObject<{
        severity: z.ZodMiniEnum<{
            critical: "critical";
            warning: "warning";
        }>;
        title: z.ZodMiniString<string>;
        ids: z.ZodMiniRecord<z.ZodMiniString<string>, z.ZodMiniString<string>>;
    }, z.core.$strip>;
};
/** The `metadata.version` of an event. CONTRIBUTING.md says when to raise it. */
export declare function eventVersion(type: EventType): string;
export type EventType = keyof typeof catalogue;
export type EventData<T extends EventType> = z.infer<(typeof catalogue)[T]>;
