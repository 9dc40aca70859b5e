/**
 * Every business metric, defined once for the code that emits it, the alarms and the dashboard.
 * docs/reference/metrics-and-alarms.md says what each one counts. CloudWatch does not aggregate over dimensions, so each
 * metric is emitted with the dimension `service` alone, and again with `service` and its own dimension. `service` is
 * `POWERTOOLS_SERVICE_NAME`, one per stage.
 */
export declare const namespace = "livechat";
export interface MetricSpec {
    /** Default: Count. */
    readonly unit?: 'Count' | 'Milliseconds' | 'Seconds';
    /** In addition to `service`. Each value is a billed metric, so values come from a small closed set. */
    readonly dimension?: string;
    /** Properties of the log line, searchable in CloudWatch Logs Insights. They create no metrics. */
    readonly properties?: readonly string[];
}
export declare const metrics: {
    readonly WebhooksReceived: {
        readonly dimension: 'action';
    };
    readonly WebhookErrorResponses: {
        readonly dimension: 'status';
    };
    readonly WebhooksRejected: {
        readonly dimension: 'reason';
        readonly properties: readonly ["action"];
    };
    readonly WebhooksIgnored: {
        readonly dimension: 'action';
    };
    readonly WebhookLag: {
        readonly unit: 'Milliseconds';
        readonly properties: readonly ["organizationId"];
    };
    readonly EventsFailed: {
        readonly dimension: 'type';
    };
    readonly DuplicateEvents: {
        readonly dimension: 'type';
    };
    readonly EventNumberGaps: {
        readonly properties: readonly ["organizationId", "conversationId", "threadId"];
    };
    readonly MessagesSent: {
        readonly properties: readonly ["organizationId"];
    };
    readonly SendsRetried: {
        readonly dimension: 'category';
        readonly properties: readonly ["organizationId"];
    };
    readonly SendsDeferred: {
        readonly dimension: 'reason';
        readonly properties: readonly ["organizationId"];
    };
    readonly SendsFailed: {
        readonly dimension: 'category';
        readonly properties: readonly ["organizationId"];
    };
    readonly DeadLetters: {
        readonly dimension: 'category';
        readonly properties: readonly ["kind", "error"];
    };
    readonly ChatsRouted: {
        readonly dimension: 'outcome';
        readonly properties: readonly ["organizationId"];
    };
    readonly LiveChatCalls: {
        readonly dimension: 'method';
        readonly properties: readonly ["organizationId"];
    };
    readonly LiveChatDeprecationNotices: {
        readonly dimension: 'kind';
        readonly properties: readonly ["method"];
    };
    readonly TurnsTimedOut: {
        readonly properties: readonly ["organizationId"];
    };
    readonly GroupsUnblocked: {
        readonly properties: readonly ["organizationId"];
    };
    readonly CallsRateLimited: {
        readonly properties: readonly ["organizationId"];
    };
    readonly SlotsMissed: {
        readonly properties: readonly ["organizationId"];
    };
    readonly BreakerOpened: {
        readonly dimension: 'reason';
        readonly properties: readonly ["organizationId"];
    };
    readonly MediaStored: {
        readonly dimension: 'typeCheck';
        readonly properties: readonly ["organizationId"];
    };
    readonly MediaFailed: {
        readonly dimension: 'error';
        readonly properties: readonly ["organizationId"];
    };
    readonly OldestUnsentSeconds: {
        readonly unit: 'Seconds';
        readonly properties: readonly ["organizationId"];
    };
    readonly ReconciledEvents: {
        readonly properties: readonly ["organizationId"];
    };
    readonly ReconciliationDifferences: {
        readonly properties: readonly ["organizationId"];
    };
    readonly ReconciliationAgeSeconds: {
        readonly unit: 'Seconds';
        readonly properties: readonly ["organizationId"];
    };
};
export type MetricName = keyof typeof metrics;
type DurationMetric = {
    [N in MetricName]: (typeof metrics)[N] extends {
        unit: string;
    } ? N : never;
}[MetricName];
type CountMetric = Exclude<MetricName, DurationMetric>;
type DimensionName<Spec> = Spec extends {
    dimension: infer Name extends string;
} ? Name : never;
type PropertyName<Spec> = Spec extends {
    properties: readonly (infer Name extends string)[];
} ? Name : never;
/** A value for the dimension and each property of a metric. */
type Keys<N extends MetricName> = Readonly<Record<DimensionName<(typeof metrics)[N]> | PropertyName<(typeof metrics)[N]>, string>>;
/** Emits a count in CloudWatch's embedded metric format, one log line per call. */
export declare function count<N extends CountMetric>(name: N, keys: Keys<N>, times?: number): void;
/** Emits a duration, in the unit of the metric. */
export declare function measure<N extends DurationMetric>(name: N, keys: Keys<N>, value: number): void;
export {};
