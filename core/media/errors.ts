/** A file that a retry cannot fetch. The message names the limit, never the URL. */
export class FileRefused extends Error {
  override readonly name = 'FileRefused';
  readonly category = 'File';
  readonly retryable = false;
}

/** A file whose server is temporarily unavailable; a retry may succeed. */
export class FileUnavailable extends Error {
  override readonly name = 'FileUnavailable';
  readonly category = 'File';
  readonly retryable = true;
}

export function isFileError(error: unknown): error is FileRefused | FileUnavailable {
  return error instanceof FileRefused || error instanceof FileUnavailable;
}
