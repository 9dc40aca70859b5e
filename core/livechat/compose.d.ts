import * as z from 'zod/mini';
import type { Compose } from '../channel/channel.ts';
import { visibility } from '../events/schemas.ts';
export type Visibility = z.infer<typeof visibility>;
type RichContent = z.infer<typeof interactiveMessage>['content'];
/** An event for `send_event`, without its `custom_id`. */
export type ComposedEvent = {
    readonly visibility: Visibility;
} & ({
    readonly type: 'message';
    readonly text: string;
} | {
    readonly type: 'file';
    readonly url: string;
    readonly alternative_text?: string | undefined;
} | {
    readonly type: 'rich_message';
    readonly template_id: RichContent['templateId'];
    readonly elements: RichContent['elements'];
});
/** The source of a file: a URL or a key in the media bucket. */
export type FileSource = {
    readonly url: string;
} | {
    readonly key: string;
};
/** A file to upload and send. One step does both, because LiveChat deletes an unused upload after 24 h. */
export interface FilePart {
    readonly kind: 'file';
    readonly source: FileSource;
    readonly name?: string | undefined;
    readonly alternativeText?: string | undefined;
    readonly visibility: Visibility;
}
/** A file on this machine's disk. */
export interface FetchedFile {
    readonly path: string;
    readonly contentType: string;
    readonly name: string;
}
/** A file part whose file is on disk. */
export interface FetchedPart extends Omit<FilePart, 'kind' | 'source'> {
    readonly kind: 'fetched';
    readonly file: FetchedFile;
}
/** The content of one `send_event` call: an event, or a file that must be fetched or uploaded first. */
export type Part = {
    readonly kind: 'event';
    readonly event: ComposedEvent;
} | FilePart | FetchedPart;
/**
 * LiveChat's rich messages. Unknown fields are passed through.
 * Limits: Agent Chat API, "rich message" (platform.text.com/docs/messaging).
 */
declare const interactiveMessage: z.ZodMiniObject<{
    visibility: z.ZodMiniOptional<z.ZodMiniEnum<{
        agents: "agents";
        all: "all";
    }>>;
    metadata: z.ZodMiniOptional<z.ZodMiniRecord<z.ZodMiniString<string>, z.ZodMiniUnknown>>;
    type: z.ZodMiniLiteral<"interactive">;
    content: z.ZodMiniDiscriminatedUnion<[z.ZodMiniObject<{
        templateId: z.ZodMiniEnum<{
            cards: "cards";
            quick_replies: "quick_replies";
        }>;
        elements: z.ZodMiniArray<z.ZodMiniObject<{
            title: z.ZodMiniOptional<z.ZodMiniString<string>>;
            subtitle: z.ZodMiniOptional<z.ZodMiniString<string>>;
            buttons: z.ZodMiniOptional<z.ZodMiniArray<z.ZodMiniDiscriminatedUnion<[z.ZodMiniObject<{
                text: z.ZodMiniString<string>;
                value: z.ZodMiniString<string>;
                postback_id: z.ZodMiniString<string>;
                user_ids: z.ZodMiniDefault<z.ZodMiniArray<z.ZodMiniString<string>>>;
                type: z.ZodMiniLiteral<"message">;
            }, z.core.$loose>, z.ZodMiniObject<{
                text: z.ZodMiniString<string>;
                postback_id: z.ZodMiniString<string>;
                user_ids: z.ZodMiniDefault<z.ZodMiniArray<z.ZodMiniString<string>>>;
                type: z.ZodMiniLiteral<"url">;
                value: z.ZodMiniString<string>;
                target: z.ZodMiniOptional<z.ZodMiniEnum<{
                    current: "current";
                    new: "new";
                }>>;
            }, z.core.$loose>, z.ZodMiniObject<{
                text: z.ZodMiniString<string>;
                postback_id: z.ZodMiniString<string>;
                user_ids: z.ZodMiniDefault<z.ZodMiniArray<z.ZodMiniString<string>>>;
                type: z.ZodMiniLiteral<"webview">;
                value: z.ZodMiniString<string>;
                webview_height: z.ZodMiniDefault<z.ZodMiniEnum<{
                    compact: "compact";
                    full: "full";
                    tall: "tall";
                }>>;
            }, z.core.$loose>, z.ZodMiniObject<{
                text: z.ZodMiniString<string>;
                postback_id: z.ZodMiniString<string>;
                user_ids: z.ZodMiniDefault<z.ZodMiniArray<z.ZodMiniString<string>>>;
                type: z.ZodMiniLiteral<"phone">;
                value: z.ZodMiniString<string>;
            }, z.core.$loose>], "type">>>;
            image: z.ZodMiniOptional<z.ZodMiniObject<{
                url: z.ZodMiniString<string>;
            }, z.core.$loose>>;
        }, z.core.$loose>>;
    }, z.core.$strip>, z.ZodMiniObject<{
        templateId: z.ZodMiniLiteral<"sticker">;
        elements: z.ZodMiniArray<z.ZodMiniObject<{
            title: z.ZodMiniOptional<z.ZodMiniString<string>>;
            subtitle: z.ZodMiniOptional<z.ZodMiniString<string>>;
            buttons: z.ZodMiniOptional<z.ZodMiniArray<z.ZodMiniDiscriminatedUnion<[z.ZodMiniObject<{
                text: z.ZodMiniString<string>;
                value: z.ZodMiniString<string>;
                postback_id: z.ZodMiniString<string>;
                user_ids: z.ZodMiniDefault<z.ZodMiniArray<z.ZodMiniString<string>>>;
                type: z.ZodMiniLiteral<"message">;
            }, z.core.$loose>, z.ZodMiniObject<{
                text: z.ZodMiniString<string>;
                postback_id: z.ZodMiniString<string>;
                user_ids: z.ZodMiniDefault<z.ZodMiniArray<z.ZodMiniString<string>>>;
                type: z.ZodMiniLiteral<"url">;
                value: z.ZodMiniString<string>;
                target: z.ZodMiniOptional<z.ZodMiniEnum<{
                    current: "current";
                    new: "new";
                }>>;
            }, z.core.$loose>, z.ZodMiniObject<{
                text: z.ZodMiniString<string>;
                postback_id: z.ZodMiniString<string>;
                user_ids: z.ZodMiniDefault<z.ZodMiniArray<z.ZodMiniString<string>>>;
                type: z.ZodMiniLiteral<"webview">;
                value: z.ZodMiniString<string>;
                webview_height: z.ZodMiniDefault<z.ZodMiniEnum<{
                    compact: "compact";
                    full: "full";
                    tall: "tall";
                }>>;
            }, z.core.$loose>, z.ZodMiniObject<{
                text: z.ZodMiniString<string>;
                postback_id: z.ZodMiniString<string>;
                user_ids: z.ZodMiniDefault<z.ZodMiniArray<z.ZodMiniString<string>>>;
                type: z.ZodMiniLiteral<"phone">;
                value: z.ZodMiniString<string>;
            }, z.core.$loose>], "type">>>;
            image: z.ZodMiniObject<{
                url: z.ZodMiniString<string>;
            }, z.core.$loose>;
        }, z.core.$loose>>;
    }, z.core.$strip>], "templateId">;
}, z.core.$strip>;
/** One message of a send request. */
export declare const requestMessage: z.ZodMiniDiscriminatedUnion<[z.ZodMiniObject<{
    visibility: z.ZodMiniOptional<z.ZodMiniEnum<{
        agents: "agents";
        all: "all";
    }>>;
    metadata: z.ZodMiniOptional<z.ZodMiniRecord<z.ZodMiniString<string>, z.ZodMiniUnknown>>;
    type: z.ZodMiniLiteral<"text">;
    content: z.ZodMiniString<string>;
}, z.core.$strip>, z.ZodMiniObject<{
    visibility: z.ZodMiniOptional<z.ZodMiniEnum<{
        agents: "agents";
        all: "all";
    }>>;
    metadata: z.ZodMiniOptional<z.ZodMiniRecord<z.ZodMiniString<string>, z.ZodMiniUnknown>>;
    type: z.ZodMiniLiteral<"media">;
    content: z.ZodMiniObject<{
        url: z.ZodMiniOptional<z.ZodMiniString<string>>;
        key: z.ZodMiniOptional<z.ZodMiniString<string>>;
        name: z.ZodMiniOptional<z.ZodMiniString<string>>;
        alternativeText: z.ZodMiniOptional<z.ZodMiniString<string>>;
    }, z.core.$strip>;
}, z.core.$strip>, z.ZodMiniObject<{
    visibility: z.ZodMiniOptional<z.ZodMiniEnum<{
        agents: "agents";
        all: "all";
    }>>;
    metadata: z.ZodMiniOptional<z.ZodMiniRecord<z.ZodMiniString<string>, z.ZodMiniUnknown>>;
    type: z.ZodMiniLiteral<"interactive">;
    content: z.ZodMiniDiscriminatedUnion<[z.ZodMiniObject<{
        templateId: z.ZodMiniEnum<{
            cards: "cards";
            quick_replies: "quick_replies";
        }>;
        elements: z.ZodMiniArray<z.ZodMiniObject<{
            title: z.ZodMiniOptional<z.ZodMiniString<string>>;
            subtitle: z.ZodMiniOptional<z.ZodMiniString<string>>;
            buttons: z.ZodMiniOptional<z.ZodMiniArray<z.ZodMiniDiscriminatedUnion<[z.ZodMiniObject<{
                text: z.ZodMiniString<string>;
                value: z.ZodMiniString<string>;
                postback_id: z.ZodMiniString<string>;
                user_ids: z.ZodMiniDefault<z.ZodMiniArray<z.ZodMiniString<string>>>;
                type: z.ZodMiniLiteral<"message">;
            }, z.core.$loose>, z.ZodMiniObject<{
                text: z.ZodMiniString<string>;
                postback_id: z.ZodMiniString<string>;
                user_ids: z.ZodMiniDefault<z.ZodMiniArray<z.ZodMiniString<string>>>;
                type: z.ZodMiniLiteral<"url">;
                value: z.ZodMiniString<string>;
                target: z.ZodMiniOptional<z.ZodMiniEnum<{
                    current: "current";
                    new: "new";
                }>>;
            }, z.core.$loose>, z.ZodMiniObject<{
                text: z.ZodMiniString<string>;
                postback_id: z.ZodMiniString<string>;
                user_ids: z.ZodMiniDefault<z.ZodMiniArray<z.ZodMiniString<string>>>;
                type: z.ZodMiniLiteral<"webview">;
                value: z.ZodMiniString<string>;
                webview_height: z.ZodMiniDefault<z.ZodMiniEnum<{
                    compact: "compact";
                    full: "full";
                    tall: "tall";
                }>>;
            }, z.core.$loose>, z.ZodMiniObject<{
                text: z.ZodMiniString<string>;
                postback_id: z.ZodMiniString<string>;
                user_ids: z.ZodMiniDefault<z.ZodMiniArray<z.ZodMiniString<string>>>;
                type: z.ZodMiniLiteral<"phone">;
                value: z.ZodMiniString<string>;
            }, z.core.$loose>], "type">>>;
            image: z.ZodMiniOptional<z.ZodMiniObject<{
                url: z.ZodMiniString<string>;
            }, z.core.$loose>>;
        }, z.core.$loose>>;
    }, z.core.$strip>, z.ZodMiniObject<{
        templateId: z.ZodMiniLiteral<"sticker">;
        elements: z.ZodMiniArray<z.ZodMiniObject<{
            title: z.ZodMiniOptional<z.ZodMiniString<string>>;
            subtitle: z.ZodMiniOptional<z.ZodMiniString<string>>;
            buttons: z.ZodMiniOptional<z.ZodMiniArray<z.ZodMiniDiscriminatedUnion<[z.ZodMiniObject<{
                text: z.ZodMiniString<string>;
                value: z.ZodMiniString<string>;
                postback_id: z.ZodMiniString<string>;
                user_ids: z.ZodMiniDefault<z.ZodMiniArray<z.ZodMiniString<string>>>;
                type: z.ZodMiniLiteral<"message">;
            }, z.core.$loose>, z.ZodMiniObject<{
                text: z.ZodMiniString<string>;
                postback_id: z.ZodMiniString<string>;
                user_ids: z.ZodMiniDefault<z.ZodMiniArray<z.ZodMiniString<string>>>;
                type: z.ZodMiniLiteral<"url">;
                value: z.ZodMiniString<string>;
                target: z.ZodMiniOptional<z.ZodMiniEnum<{
                    current: "current";
                    new: "new";
                }>>;
            }, z.core.$loose>, z.ZodMiniObject<{
                text: z.ZodMiniString<string>;
                postback_id: z.ZodMiniString<string>;
                user_ids: z.ZodMiniDefault<z.ZodMiniArray<z.ZodMiniString<string>>>;
                type: z.ZodMiniLiteral<"webview">;
                value: z.ZodMiniString<string>;
                webview_height: z.ZodMiniDefault<z.ZodMiniEnum<{
                    compact: "compact";
                    full: "full";
                    tall: "tall";
                }>>;
            }, z.core.$loose>, z.ZodMiniObject<{
                text: z.ZodMiniString<string>;
                postback_id: z.ZodMiniString<string>;
                user_ids: z.ZodMiniDefault<z.ZodMiniArray<z.ZodMiniString<string>>>;
                type: z.ZodMiniLiteral<"phone">;
                value: z.ZodMiniString<string>;
            }, z.core.$loose>], "type">>>;
            image: z.ZodMiniObject<{
                url: z.ZodMiniString<string>;
            }, z.core.$loose>;
        }, z.core.$loose>>;
    }, z.core.$strip>], "templateId">;
}, z.core.$strip>], "type">;
type RequestMessage = z.infer<typeof requestMessage>;
/**
 * Validates the messages (1 to 10) of one request. Throws {@link RequestInvalid}, which names every invalid field and what
 * was expected, never a value.
 */
export declare function parseMessages(messages: unknown): RequestMessage[];
/** Composes the parts that are sent to LiveChat, in order. Throws {@link RequestInvalid}, which names every invalid field. */
export declare const compose: Compose<Part>;
/**
 * Splits a text into parts of at most `bytes` UTF-8 bytes (minimum 4). Joined, the parts are the text; none is empty. Splits
 * at white space if possible, else between grapheme clusters, else (in a cluster over `bytes` bytes) between code points.
 */
export declare function splitText(text: string, bytes?: number): string[];
export {};
