import * as z from 'zod/mini';
import { visibility } from '../../events/schemas.ts';
import type { RichMessageContent } from './rich-message.ts';

type Visibility = z.infer<typeof visibility>;

/** What every message of a request may hold. `agents` makes it an internal note. */
export const common = {
  visibility: z.optional(visibility),
  metadata: z.optional(z.record(z.string(), z.unknown())),
};

/** An event for `send_event`, without its `custom_id`. */
export type ComposedEvent = { readonly visibility: Visibility } & (
  | { readonly type: 'message'; readonly text: string }
  | { readonly type: 'file'; readonly url: string; readonly alternative_text?: string }
  | {
      readonly type: 'rich_message';
      readonly template_id: RichMessageContent['templateId'];
      readonly elements: RichMessageContent['elements'];
    }
);

/** Where a file is to be fetched: the web, or our media bucket. */
export type FileSource = { readonly url: string } | { readonly key: string };

/** A file to be uploaded and then sent in one step, since an uploaded file that no event uses is gone after a day. */
export interface FilePart {
  readonly kind: 'file';
  readonly source: FileSource;
  readonly name?: string;
  readonly alternativeText?: string;
  readonly visibility: Visibility;
}

/** A file on this machine's disk. */
export interface FetchedFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly contentType: string;
  readonly name: string;
}

/** A file part while its file is here. */
export interface FetchedPart extends Omit<FilePart, 'kind' | 'source'> {
  readonly kind: 'fetched';
  readonly file: FetchedFile;
}

/** What one call of `send_event` sends, and what becomes of a file until it is one. */
export type Part = { readonly kind: 'event'; readonly event: ComposedEvent } | FilePart | FetchedPart;
