export interface StoredObject {
    readonly bucket: string;
    readonly key: string;
}
type NewObject = StoredObject & {
    readonly body: string;
    readonly contentType: string;
};
export declare function putObject({ bucket, key, body, contentType }: NewObject): Promise<void>;
export interface FileUpload extends StoredObject {
    /** The path of the local file. */
    readonly path: string;
    /** Bytes. */
    readonly size: number;
    /** In hex. S3 rejects the upload if the content does not match. */
    readonly sha256: string;
    readonly contentType: string;
    readonly contentDisposition: string;
}
/** Streams a file into the bucket. The SDK does not retry a stream, so the caller has to. */
export declare function putFile({ bucket, key, path, size, sha256, ...headers }: FileUpload): Promise<void>;
export declare function readObject({ bucket, key }: StoredObject): Promise<string>;
/** Opens an object as a stream, which the caller must consume or destroy. Undefined if the object does not exist. */
export declare function openObject({ bucket, key }: StoredObject, abortSignal: AbortSignal): Promise<{
    content: import("@smithy/types").NodeJsRuntimeStreamingBlobPayloadOutputTypes;
    contentType: string;
} | undefined>;
/** A URL at which anyone can read the object until it expires. S3 responds with the stored content type and file name. */
export declare function presignedUrl({ bucket, key }: StoredObject, expiresInSeconds: number): Promise<string>;
/** The keys under a prefix, in pages of up to 1000. */
export declare function listKeys(bucket: string, prefix: string): AsyncGenerator<string[]>;
export declare function deleteKeys(bucket: string, keys: readonly string[]): Promise<void>;
export {};
