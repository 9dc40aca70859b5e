import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { type ResourceVariable } from './configuration.ts';
export declare const dynamodb: DynamoDBClient;
/** The document client, shared by all entities. */
export declare const documents: DynamoDBDocumentClient;
/** Attributes of ElectroDB entities. */
export declare const text: {
    readonly type: 'string';
    readonly required: true;
};
export declare const number: {
    readonly type: 'number';
    readonly required: true;
};
/** The keys of an index; those of a global secondary index have a prefix. LiveChat's ids are case-sensitive. */
export declare const keys: <const P extends readonly string[], const S extends readonly string[]>(pk: P, sk: S, prefix?: string) => {
    readonly pk: {
        readonly field: `${string}pk`;
        readonly composite: P;
        readonly casing: 'none';
    };
    readonly sk: {
        readonly field: `${string}sk`;
        readonly composite: S;
        readonly casing: 'none';
    };
};
/** The table of an ElectroDB entity. */
export declare const tableIn: (variable: Extract<ResourceVariable, `${string}_TABLE`>) => {
    client: DynamoDBDocumentClient;
    table: string;
};
/** The result of a conditional write, or undefined if its condition did not hold. */
export declare function ifConditionHolds<T>(write: Promise<T>): Promise<T | undefined>;
/** The expiry of an item written at `now`, in seconds since 1970. The setting is in days, 365 by default. */
export declare function expiresAfter(setting: 'CONVERSATIONS_RETENTION_DAYS' | 'MESSAGES_RETENTION_DAYS', now?: number): number;
/** The key of an item, with the name of its entity. */
export interface StoredItem {
    readonly table: string;
    readonly key: Readonly<Record<string, string>>;
    readonly entity: string;
}
/** Parses the table and key from the parameters of an ElectroDB `get` (`.params()`). */
export declare function parseItemAddress(params: unknown, entity: string): StoredItem;
/** All items in the partition of an ElectroDB `get`, of any entity. */
export declare function queryPartition(params: unknown): Promise<StoredItem[]>;
/** Deletes items. Idempotent: a missing item is no error. */
export declare function deleteItems(items: readonly StoredItem[], onDeleted: () => void): Promise<void>;
